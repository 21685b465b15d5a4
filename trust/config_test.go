package trust_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/trust"
)

// configAt writes content to a configuration file and returns its path.
func configAt(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, path string) *trust.Config {
	t.Helper()
	config, err := trust.LoadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

const packsOwn = `# my settings
default-builder-image = "registry.example.com/acme/builder" # the default
pull-policy = "if-not-present"
experimental = true
lifecycle-image = "registry.example.com/lifecycle"

[[run-images]]
  image = "paketobuildpacks/run-jammy-base"
  mirrors = ["registry.example.com/run"]

[[trusted-builders]]
  name = "registry.example.com/acme/builder" # ours

# the second one
[[trusted-builders]]
  name = "heroku/builder:99"
  since = 2026-01-02T03:04:05Z

[registry-mirrors]
  "index.docker.io" = "mirror.example.com"

[something.nobody.knows]
  text = """
[[trusted-builders]]
  name = "not/one"
"""
`

func TestLoadConfig(t *testing.T) {
	t.Parallel()
	config := load(t, configAt(t, packsOwn))
	if diff := cmp.Diff([]string{"registry.example.com/acme/builder", "heroku/builder:99"}, config.TrustedBuilders()); diff != "" {
		t.Error(diff)
	}
	got := []any{config.DefaultBuilder, config.LifecycleImage, config.PullPolicy, config.RunImages}
	want := []any{"registry.example.com/acme/builder", "registry.example.com/lifecycle", "if-not-present",
		[]trust.RunImage{{Image: "paketobuildpacks/run-jammy-base", Mirrors: []string{"registry.example.com/run"}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadConfigMissing(t *testing.T) {
	t.Parallel()
	config := load(t, filepath.Join(t.TempDir(), "no", "config.toml"))
	if got := config.TrustedBuilders(); len(got) != 0 {
		t.Errorf("trusted builders: %v", got)
	}
}

func TestLoadConfigInvalid(t *testing.T) {
	t.Parallel()
	for content, line := range map[string]string{
		"a = 1\nb = \n":              ":2: ",
		"\n\ntrusted-builders = 3\n": ":3: ",
	} {
		path := configAt(t, content)
		_, err := trust.LoadConfig(path)
		if err == nil || !strings.HasPrefix(err.Error(), path+line) {
			t.Errorf("%q: %v, want it to begin with %s%s", content, err, path, line)
		}
	}
}

func TestConfigEdits(t *testing.T) {
	t.Parallel()
	block := func(name string) string { return "[[trusted-builders]]\n  name = \"" + name + "\"\n" }
	add := func(builder string) func(*trust.Config) error {
		return func(c *trust.Config) error { return c.Add(builder) }
	}
	remove := func(builder string) func(*trust.Config) error {
		return func(c *trust.Config) error { _, err := c.Remove(builder); return err }
	}
	tests := []struct {
		name, before string
		change       func(*trust.Config) error
		after        string
	}{
		{"add to nothing", "", add("a.example.com/b"), block("a.example.com/b")},
		{"add to blank lines", "\n", add("a.example.com/b"), "\n" + block("a.example.com/b")},
		{"add after other things", packsOwn, add("a.example.com/b"), packsOwn + "\n" + block("a.example.com/b")},
		{"add without a last newline", "x = 1", add("a.example.com/b"), "x = 1\n\n" + block("a.example.com/b")},
		{"add with CRLF", "x = 1\r\n", add("a.example.com/b"), "x = 1\r\n\r\n[[trusted-builders]]\r\n  name = \"a.example.com/b\"\r\n"},
		{"add again", block("a.example.com/b"), add("A.example.com/b"), block("a.example.com/b")},
		{"add the same name in Docker's spelling", block("acme/b"), add("docker.io/acme/b"), block("acme/b")},
		{"add one with a tag", block("a.example.com/b"), add("a.example.com/b:1"), block("a.example.com/b") + "\n" + block("a.example.com/b:1")},
		{"remove the only one", block("a.example.com/b"), remove("a.example.com/b"), ""},
		{"remove the first", packsOwn, remove("registry.example.com/acme/builder"),
			strings.Replace(packsOwn, "\n[[trusted-builders]]\n  name = \"registry.example.com/acme/builder\" # ours\n", "", 1)},
		{"remove the second, keep the comment", packsOwn, remove("docker.io/heroku/builder:99"),
			strings.Replace(packsOwn, "[[trusted-builders]]\n  name = \"heroku/builder:99\"\n  since = 2026-01-02T03:04:05Z\n\n", "", 1)},
		{"remove every spelling", block("acme/b") + "\n" + block("x.example.com/y") + "\n" + block("index.docker.io/acme/b"), remove("docker.io/acme/b"), block("x.example.com/y")},
		{"remove one that is not there", packsOwn, remove("registry.example.com/acme/builder:1"), packsOwn},
		{"remove below a string that looks like it",
			"x = '''\n[[trusted-builders]]\n  name = \"acme/b\"\n'''\n" + block("acme/b") + "[y]\nz = 1\n", remove("acme/b"),
			"x = '''\n[[trusted-builders]]\n  name = \"acme/b\"\n'''\n[y]\nz = 1\n"},
		{"remove a quoted header", "[[ \"trusted-builders\" ]] # x\nname = 'acme/b'\n", remove("acme/b"), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := configAt(t, test.before)
			config := load(t, path)
			if err := test.change(config); err != nil {
				t.Fatal(err)
			}
			if err := config.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			after, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.after, string(after)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(load(t, path).TrustedBuilders(), config.TrustedBuilders()); diff != "" {
				t.Errorf("what Save left in memory: %s", diff)
			}
		})
	}
}

func TestConfigEditThatWouldLoseSomething(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		`trusted-builders = [{name = "acme/b"}, {name = "acme/c"}] # inline` + "\n",
		"[[trusted-builders]]\nname = \"acme/b\"\n[trusted-builders.more]\nx = 1\n[[trusted-builders]]\nname = \"acme/c\"\n[trusted-builders.more]\nx = 2\n",
	} {
		path := configAt(t, content)
		config := load(t, path)
		if ok, err := config.Remove("acme/b"); err != nil || !ok {
			t.Fatal(ok, err)
		}
		err := config.Save(t.Context())
		var known *trust.ConfigError
		if !errors.As(err, &known) || known.Hint() == "" || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: error %v", content, err)
		}
		if after, _ := os.ReadFile(path); string(after) != content {
			t.Errorf("the file was changed to %q", after)
		}
	}
}

func TestConfigRejectsWhatIsNoReference(t *testing.T) {
	t.Parallel()
	config := load(t, configAt(t, ""))
	for _, builder := range []string{"", "UPPER/case", "a b", "https://example.com/b", "x:", "a@sha256:12"} {
		if err := config.Add(builder); err == nil {
			t.Errorf("Add(%q) is no error", builder)
		}
		if _, err := config.Remove(builder); err == nil {
			t.Errorf("Remove(%q) is no error", builder)
		}
	}
}

func TestSaveCreatesTheDirectory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "b", "config.toml")
	config := load(t, path)
	if err := config.Add("acme/b"); err != nil {
		t.Fatal(err)
	}
	if err := config.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"acme/b"}, load(t, path).TrustedBuilders()); diff != "" {
		t.Error(diff)
	}
}

func TestSaveKeepsLinkAndMode(t *testing.T) {
	t.Parallel()
	for _, exists := range []bool{true, false} {
		dir := t.TempDir()
		target := filepath.Join(dir, "dotfiles", "pack.toml")
		link := filepath.Join(dir, "config.toml")
		if err := os.Mkdir(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if exists {
			if err := os.WriteFile(target, []byte("x = 1\n"), 0o640); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(filepath.Join("dotfiles", "pack.toml"), link); err != nil {
			t.Fatal(err)
		}
		config := load(t, link)
		if err := config.Add("acme/b"); err != nil {
			t.Fatal(err)
		}
		if err := config.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
		if to, err := os.Readlink(link); err != nil || to != "dotfiles/pack.toml" {
			t.Errorf("the link is now %q, %v", to, err)
		}
		info, err := os.Lstat(target)
		if err != nil || !info.Mode().IsRegular() {
			t.Fatal(info, err)
		}
		if exists && info.Mode().Perm() != 0o640 {
			t.Errorf("mode %v, want -rw-r-----", info.Mode())
		}
		if entries, _ := os.ReadDir(filepath.Dir(target)); len(entries) > 2 {
			t.Errorf("left behind: %v", entries)
		}
	}
}

func TestSaveConcurrently(t *testing.T) {
	t.Parallel()
	path := configAt(t, packsOwn)
	const writers = 12
	var group sync.WaitGroup
	for i := range writers {
		config := load(t, path)
		group.Go(func() {
			if err := config.Add(fmt.Sprintf("acme/b%d", i)); err != nil {
				t.Error(err)
			}
			if err := config.Save(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := load(t, path).TrustedBuilders(); len(got) != writers+2 {
		t.Errorf("trusted builders: %v", got)
	}
}

func TestSaveReadsTheFileAgain(t *testing.T) {
	t.Parallel()
	path := configAt(t, "x = 1\n")
	config := load(t, path)
	if err := config.Add("acme/b"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("broken =\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := config.Save(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), path+":1: ") {
		t.Errorf("error %v", err)
	}
	if after, _ := os.ReadFile(path); string(after) != "broken =\n" {
		t.Errorf("the file was changed to %q", after)
	}
}

func TestSaveObservesTheContext(t *testing.T) {
	t.Parallel()
	path := configAt(t, "")
	first := load(t, path)
	if err := first.Add("acme/a"); err != nil {
		t.Fatal(err)
	}
	if err := first.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	release := holdLock(t, filepath.Join(filepath.Dir(path), ".config.toml.lock"))
	defer release()
	second := load(t, path)
	if err := second.Add("acme/b"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := second.Save(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestListed(t *testing.T) {
	t.Parallel()
	config := load(t, configAt(t, packsOwn))
	tests := []struct {
		builder string
		want    trust.Listing
		ok      bool
	}{
		{"registry.example.com/acme/builder", trust.Listing{Entry: "registry.example.com/acme/builder"}, true},
		{"Registry.Example.com/acme/builder:7", trust.Listing{Entry: "registry.example.com/acme/builder"}, true},
		{"heroku/builder:99", trust.Listing{Entry: "heroku/builder:99"}, true},
		{"heroku/builder", trust.Listing{}, false},
		{"heroku/builder:24", trust.Listing{Entry: "heroku/builder:24", Known: true}, true},
		{"docker.io/paketobuildpacks/builder-jammy-tiny:0.1", trust.Listing{Entry: "paketobuildpacks/builder-jammy-tiny", Known: true}, true},
		{"evil.example.com/acme/builder", trust.Listing{}, false},
	}
	for _, test := range tests {
		got, ok, err := config.Listed(test.builder)
		if err != nil || ok != test.ok || got != test.want {
			t.Errorf("Listed(%q) = %v, %v, %v", test.builder, got, ok, err)
		}
	}
	if _, _, err := config.Listed("no reference"); err == nil {
		t.Error("no error for what is not a reference")
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("a", 64)
	for builder, want := range map[string]string{
		"acme/b":                      "every tag and digest of index.docker.io/acme/b",
		"R.example.com:5000/b:1":      "tag 1 of r.example.com:5000/b",
		"docker.io/b@" + digest:       "digest " + digest + " of index.docker.io/library/b",
		"r.example.com/b:1@" + digest: "digest " + digest + " of r.example.com/b",
	} {
		if got, err := trust.Describe(builder); err != nil || got != want {
			t.Errorf("Describe(%q) = %q, %v", builder, got, err)
		}
	}
	if _, err := trust.Describe("no reference"); err == nil {
		t.Error("no error for what is not a reference")
	}
}

func FuzzConfigEdit(f *testing.F) {
	f.Add(packsOwn, "acme/b")
	f.Add("[[trusted-builders]]\nname='acme/b'\n\n# c\n[a]\n", "acme/b")
	f.Add("trusted-builders=[]", "acme/b")
	f.Add("x = '''\n\n[[trusted-builders]]\n'''\n[[trusted-builders]]", "acme/b:1")
	f.Fuzz(func(t *testing.T, content, builder string) {
		path := configAt(t, content)
		config, err := trust.LoadConfig(path)
		if err != nil {
			return
		}
		before := config.TrustedBuilders()
		if config.Add(builder) != nil {
			return
		}
		if config.Save(t.Context()) != nil {
			if after, _ := os.ReadFile(path); string(after) != content {
				t.Fatalf("an error, and %q became %q", content, after)
			}
			return
		}
		after, _ := os.ReadFile(path)
		if !strings.HasPrefix(string(after), content) {
			t.Fatalf("adding %q changed %q to %q", builder, content, after)
		}
		config = load(t, path)
		if _, err := config.Remove(builder); err != nil {
			t.Fatal(err)
		}
		if config.Save(t.Context()) != nil {
			return
		}
		after, _ = os.ReadFile(path)
		for _, line := range strings.Split(content, "\n") {
			comment := strings.HasPrefix(strings.TrimSpace(line), "#")
			if comment && len(before) == 0 && !strings.Contains(string(after), strings.TrimSpace(line)) {
				t.Fatalf("lost %q of %q: %q", line, content, after)
			}
		}
	})
}

// TestSaveRemovesWhatKilledOnesLeft leaves what only looks like it alone.
func TestSaveRemovesWhatKilledOnesLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{".config.toml.123456", ".config.toml.9", ".config.toml.swp", ".config.toml.", "config.toml.1", ".other.toml.1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := load(t, filepath.Join(dir, "config.toml"))
	if err := config.Add("acme/b"); err != nil {
		t.Fatal(err)
	}
	if err := config.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	want := []string{".config.toml.", ".config.toml.lock", ".config.toml.swp", ".other.toml.1", "config.toml", "config.toml.1"}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
