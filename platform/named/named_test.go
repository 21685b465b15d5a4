package named

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
)

const ghcr = `
[[image_caches]]
name = "team"
provider = "registry"
url = "ghcr.io"
namespace = "${GITHUB_REPOSITORY_OWNER:-acme}"
image_tag = "app-cache"
username = "${GITHUB_ACTOR:-me}"
password = "${GITHUB_TOKEN}"
`

// place is a directory with files, and what is outside of it.
type place struct {
	source, home string
	env          map[string]string
}

func newPlace(t *testing.T, files map[string]string, env map[string]string) place {
	t.Helper()
	p := place{t.TempDir(), t.TempDir(), env}
	for path, content := range files {
		dir := p.source
		if rest, ok := strings.CutPrefix(path, "~/"); ok {
			dir, path = p.home, rest
		}
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p place) input(hosts ...string) Input {
	return Input{
		Dirs: []string{p.source}, Own: filepath.Join(p.home, FileName), Hosts: hosts,
		Env: func(name string) (string, bool) { value, ok := p.env[name]; return value, ok },
	}
}

// told is everything of a cache that tests look at, with its secrets.
func told(c *Cache) string {
	text := c.Where()
	if c.Login != nil {
		text += " as " + c.Login.Username + ":" + c.Login.Password.Reveal()
	}
	if c.DotEnv != "" {
		text += " with .env"
	}
	if c.Own {
		text += " own"
	}
	return text
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		files, env map[string]string
		hosts      []string
		want       string
	}{
		{name: "inside Actions", files: map[string]string{FileName: ghcr},
			env:   map[string]string{"GITHUB_TOKEN": "job", "GITHUB_ACTOR": "octocat", "GITHUB_REPOSITORY_OWNER": "Acme-Org"},
			hosts: []string{"ghcr.io"}, want: "ghcr.io/acme-org/app-cache as octocat:job"},
		{name: "outside, a token in .env", files: map[string]string{FileName: ghcr, ".env": "# mine\nexport GITHUB_TOKEN='pat' # classic\n"},
			hosts: []string{"GHCR.io"}, want: "ghcr.io/acme/app-cache as me:pat with .env"},
		{name: "the environment wins", files: map[string]string{FileName: ghcr, ".env": "GITHUB_TOKEN=pat\nGITHUB_ACTOR=\"x\""},
			env:   map[string]string{"GITHUB_TOKEN": "job", "GITHUB_ACTOR": ""},
			hosts: []string{"ghcr.io"}, want: "ghcr.io/acme/app-cache as x:job with .env"},
		{name: "the user's own file needs no trust", files: map[string]string{"~/" + FileName: ghcr, "~/.env": "GITHUB_TOKEN=pat"},
			want: "ghcr.io/acme/app-cache as me:pat with .env own"},
		{name: "and goes before the other", files: map[string]string{"~/" + FileName: ghcr, FileName: strings.Replace(ghcr, "ghcr.io", "evil.example.com", 1)},
			env: map[string]string{"GITHUB_TOKEN": "pat"}, want: "ghcr.io/acme/app-cache as me:pat own"},
		{name: "hosts of the user's own file", files: map[string]string{"~/" + FileName: `trusted_hosts = ["ghcr.io"]`, FileName: ghcr},
			env: map[string]string{"GITHUB_TOKEN": "pat"}, want: "ghcr.io/acme/app-cache as me:pat"},
		{name: "without a login", files: map[string]string{FileName: `
image_caches = [{name = "team", provider = "registry", url = "https://R.example.com:5000/", image_tag = "cache", username = "${U:-}${V:-}", password = "${P:-}", namespace = "a/b"}]`},
			hosts: []string{"r.example.com:5000"}, want: ""},
		{name: "a directory", files: map[string]string{FileName: "[[image_caches]]\nname = \"team\"\nprovider = \"local\"\nimage_tag = \"x\"\ndirectory = \"caches\""},
			want: "SOURCE/caches/x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, test.files, test.env)
			c, err := Find("team", p.input(test.hosts...))
			if test.want == "" {
				if err != nil || c.Login != nil || c.Where() != "R.example.com:5000/a/b/cache" {
					t.Errorf("%v, %v", c, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.ReplaceAll(test.want, "SOURCE", p.source), told(c)); diff != "" {
				t.Error(diff)
			}
			if shown := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(shown, "pat") || strings.Contains(shown, ":job") {
				t.Errorf("printed, the cache shows its secret: %s", shown)
			}
		})
	}
}

// TestHostile is files that came with the source and want a secret, or the
// cache, to go somewhere. No error may show a secret.
func TestHostile(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	entry := func(keys string) string { return "[[image_caches]]\nname = \"team\"\nimage_tag = \"x\"\n" + keys }
	registry := func(keys string) string { return entry("provider = \"registry\"\n" + keys) }
	login := "\nusername = \"me\"\npassword = \"${GITHUB_TOKEN}\"\n"
	for _, test := range []struct {
		name, toml, dotEnv, says string
	}{
		{"a host of its own", registry(`url = "evil.example.com"` + login), "", "only this file names the registry evil.example.com"},
		{"a host of its own, without a login", registry(`url = "evil.example.com"`), "", "only this file names the registry"},
		{"another port", registry(`url = "ghcr.io:8443"` + login), "", "only this file names the registry ghcr.io:8443"},
		{"a name that looks alike", registry(`url = "ghcr.io.evil.example.com"` + login), "", "only this file names"},
		{"a secret as host", registry(`url = "${GITHUB_TOKEN}.evil.example.com"`), "", "${GITHUB_TOKEN} may be a secret, and url is not a secret place"},
		{"a secret as namespace", registry("url = \"ghcr.io\"\nnamespace = \"evil/${GITHUB_TOKEN}\""), "", "${GITHUB_TOKEN} may be a secret, and namespace"},
		{"a secret of .env as namespace", registry("url = \"ghcr.io\"\nnamespace = \"evil/${LOCAL_TOKEN}\""), "LOCAL_TOKEN=" + secret, "may be a secret"},
		{"a secret that .env calls otherwise", registry("url = \"ghcr.io\"\nnamespace = \"evil/${MY_NAMESPACE}\"" + login), "MY_NAMESPACE=${GITHUB_TOKEN}", "namespace cannot be a part"},
		{"a user in the host", registry(`url = "ghcr.io@evil.example.com"` + login), "", "not the host of a registry"},
		{"a path after the host", registry(`url = "evil.example.com/ghcr.io"` + login), "", "not the host of a registry"},
		{"no TLS", registry(`url = "http://ghcr.io"` + login), "", "not the host of a registry"},
		{"a host that is none", registry(`url = "ghcr"` + login), "", "not the host of a registry that can be told"},
		{"a way up", registry("url = \"ghcr.io\"\nnamespace = \"../evil\""), "", "namespace cannot be a part"},
		{"a tag in the namespace", registry("url = \"ghcr.io\"\nnamespace = \"evil:x\""), "", "namespace cannot be a part"},
		{"trusting itself", "trusted_hosts = [\"evil.example.com\"]\n" + registry(`url = "evil.example.com"`), "", "trusted_hosts has no place"},
		{"a directory elsewhere", entry("provider = \"local\"\ndirectory = \"/tmp/elsewhere\""), "", "not below that of the file"},
		{"a directory above", entry("provider = \"local\"\ndirectory = \"../elsewhere\""), "", "not below that of the file"},
		{"a directory through a link", entry("provider = \"local\"\ndirectory = \"link\""), "", "not below that of the file"},
		{"a .env that is no such file", registry(`url = "ghcr.io"` + login), "this is " + secret, "line 1: there is no ="},
		{"not TOML", "x = " + secret, "", "line 1 is not valid TOML"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, map[string]string{FileName: test.toml, ".env": test.dotEnv}, map[string]string{"GITHUB_TOKEN": secret})
			if err := os.Symlink(t.TempDir(), filepath.Join(p.source, "link")); err != nil {
				t.Fatal(err)
			}
			c, err := Find("team", p.input("ghcr.io"))
			if err == nil {
				t.Fatalf("accepted: %s", told(c))
			}
			text := err.Error() + "\n" + hint.Of(err)
			if !strings.Contains(text, test.says) || strings.Contains(text, secret) {
				t.Errorf("error %q, want %q and no secret", text, test.says)
			}
		})
	}
}

// TestLinks keeps a file that came with the source from reading what is
// elsewhere.
func TestLinks(t *testing.T) {
	t.Parallel()
	p := newPlace(t, map[string]string{"~/secrets": "GITHUB_TOKEN=elsewhere", FileName: ghcr}, nil)
	if err := os.Symlink(filepath.Join(p.home, "secrets"), filepath.Join(p.source, ".env")); err != nil {
		t.Fatal(err)
	}
	if c, err := Find("team", p.input("ghcr.io")); err == nil {
		t.Errorf("accepted: %s", told(c))
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, toml, says, hint string }{
		{"unknown key", ghcr + "pasword = \"x\"", "unknown key image_caches.pasword", "did you mean password?"},
		{"unknown key at the top", "image_cache = 1", "unknown key image_cache", "did you mean image_caches?"},
		{"two of a name", ghcr + ghcr, "two caches are called team", ""},
		{"no url", strings.Replace(ghcr, `url = "ghcr.io"`, "", 1), "cache team: url is missing", "ghcr.io"},
		{"no image_tag", strings.Replace(ghcr, `image_tag = "app-cache"`, "", 1), "image_tag is missing", ""},
		{"no provider", strings.Replace(ghcr, `provider = "registry"`, "", 1), "provider is missing", ""},
		{"unknown provider", strings.Replace(ghcr, `"registry"`, `"regstry"`, 1), `no provider "regstry"`, "did you mean registry?"},
		{"keys of another provider", strings.Replace(ghcr, `"registry"`, `"local"`, 1), "url is for provider = \"registry\"", ""},
		{"unset variable", ghcr, "cache team: password: the variable GITHUB_TOKEN is not set", "GITHUB_TOKEN:-default"},
		{"half a variable", strings.Replace(ghcr, "${GITHUB_TOKEN}", "${GITHUB_TOKEN", 1), "password: a ${ is not followed", ""},
		{"password without username", strings.Replace(ghcr, `username = "${GITHUB_ACTOR:-me}"`, "", 1), "username is missing", ""},
		{"another name", strings.Replace(ghcr, `"team"`, `"taem"`, 1), `no cache is called "team"`, "did you mean taem?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, map[string]string{FileName: test.toml}, nil)
			_, err := Find("team", p.input("ghcr.io"))
			if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(hint.Of(err), test.hint) {
				t.Errorf("error %v, want %q and hint %q", err, test.says, test.hint)
			}
		})
	}
}

// TestUnusedEntriesNeedNoVariables: only the cache that is used has to be whole.
func TestUnusedEntriesNeedNoVariables(t *testing.T) {
	t.Parallel()
	fork := strings.NewReplacer(`"team"`, `"fork"`, "GITHUB_TOKEN", "FORK_TOKEN").Replace(ghcr)
	p := newPlace(t, map[string]string{FileName: ghcr + fork}, map[string]string{"FORK_TOKEN": "mine"})
	c, err := Find("fork", p.input("ghcr.io"))
	if err != nil {
		t.Fatal(err)
	}
	if got := told(c); got != "ghcr.io/acme/app-cache as me:mine" {
		t.Error(got)
	}
	names, err := Names(p.input())
	if diff := cmp.Diff([]string{"team", "fork"}, names); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		target layers.Target
		want   string
	}{
		{layers.Target{}, "any"},
		{layers.Target{OS: "linux", Architecture: "amd64"}, "linux-amd64"},
		{layers.Target{OS: "linux", Architecture: "arm64", Variant: "v8", DistroName: "ubuntu", DistroVersion: "24.04"}, "linux-arm64-v8-ubuntu-24.04"},
		{layers.Target{OS: "linux", Architecture: "amd64", DistroName: "Red Hat/UBI", DistroVersion: "9:1"}, "linux-amd64-Red_Hat_UBI-9_1"},
		{layers.Target{OS: "linux", Architecture: "amd64", DistroName: strings.Repeat("x", 200)}, "linux-amd64-" + strings.Repeat("x", 116)},
	} {
		if got := Target(test.target); got != test.want {
			t.Errorf("%v is %q, want %q", test.target, got, test.want)
		}
	}
}
