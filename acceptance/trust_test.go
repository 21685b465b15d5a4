package acceptance

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestVerdict reads in the log how a builder was judged, and why.
func TestVerdict(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	digest := reg.digest(t, builder)
	_, port, _ := strings.Cut(reg.Addr, ":")
	// The same registry by another name is another host.
	lookAlike := "localhost:" + port + strings.TrimPrefix(builder, reg.Addr)
	const untrusted = "untrusted: neither a known builder nor listed in ~/.pack/config.toml"
	for _, test := range []struct {
		name    string
		trusts  string // what the user trusts; "" for nothing
		builder string
		flags   []string
		reason  string
	}{
		{"nothing is trusted", "", builder, nil, untrusted},
		{"listed", builder, builder, nil, "trusted: listed in ~/.pack/config.toml as " + builder},
		{"listed, named by digest", builder, builder + "@" + digest, nil, "trusted: listed in ~/.pack/config.toml as " + builder},
		{"another tag is listed", builder + ":other", builder, nil, untrusted},
		{"its digest is listed", builder + "@" + digest, builder, nil, "trusted: listed in ~/.pack/config.toml as " + builder + "@" + digest},
		{"the same repository on a host that looks alike", builder, lookAlike, nil, untrusted},
		{"for this build", "", builder, []string{"--trust-builder"}, "trusted: --trust-builder"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			if test.trusts != "" {
				m.trust(test.trusts)
			}
			image := reg.ref(strings.ToLower(rand.Text()))
			result, out := m.build(append([]string{image, "--builder", test.builder, "--path", app.dir, "--publish"}, test.flags...)...)
			repository, _, _ := strings.Cut(test.builder, "@")
			out.wantStderr(t, "Builder "+repository+"@"+digest+", "+test.reason+"\n")
			if want := strings.HasPrefix(test.reason, "trusted: "); result.Builder.Trusted != want || result.Builder.Reason != test.reason {
				t.Errorf("result: %+v, want %q", result.Builder, test.reason)
			}
		})
	}
}

// TestConfigIsPacks changes the trusted builders in a config.toml that pack
// wrote: everything else in it stays.
func TestConfigIsPacks(t *testing.T) {
	t.Parallel()
	const theirs = `# mine
pull-policy = "if-not-present"
default-builder-image = "registry.example.com/acme/builder"
experimental = true
not-yet-invented = [1, 2, {three = "four"}]

[[run-images]]
  image = "registry.example.com/acme/run"
  mirrors = ["mirror.example.com/run"]

[registry-mirrors]
  "docker.io" = "mirror.example.com"

[[trusted-builders]]
  name = "registry.example.com/acme/builder"
`
	m := newMachine(t)
	m.write(".pack/config.toml", theirs, 0o600)
	path := filepath.Join(m.home, ".pack/config.toml")
	read := func() string {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	m.run("config", "trusted-builders", "add", "registry.example.com/other/builder:1").wantCode(t, 0)
	if got := read(); !strings.HasPrefix(got, theirs) || !strings.Contains(got[len(theirs):], `"registry.example.com/other/builder:1"`) {
		t.Errorf("after add:\n%s", got)
	}
	list := m.run("config", "trusted-builders", "list")
	list.wantCode(t, 0)
	wantLines(t, list.stdout, "registry.example.com/acme/builder\n", "registry.example.com/other/builder:1\n")
	m.run("config", "trusted-builders", "remove", "registry.example.com/other/builder:1").wantCode(t, 0)
	if diff := cmp.Diff(theirs, read()); diff != "" {
		t.Errorf("after add and remove (-before +after):\n%s", diff)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of config.toml: %v, %v", info.Mode(), err)
	}
	m.run("config", "trusted-builders", "remove", "registry.example.com/acme/builder").wantCode(t, 0)
	wantLines(t, read(), "not-yet-invented = [1, 2, {three = \"four\"}]", "[registry-mirrors]", "# mine")
	wantNoLines(t, read(), "trusted-builders")
}
