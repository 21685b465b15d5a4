package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/platform/config"
)

// TestSet changes one thing after the other in files of all kinds. Nothing
// else in them changes.
func TestSet(t *testing.T) {
	t.Parallel()
	builder := func(name string) func(*config.File) { return func(c *config.File) { c.SetDefaultBuilder(name) } }
	policy := func(name string) func(*config.File) { return func(c *config.File) { c.SetPullPolicy(name) } }
	mirror := func(registry, mirror string) func(*config.File) {
		return func(c *config.File) { c.SetRegistryMirror(registry, mirror) }
	}
	run := func(image string, mirrors ...string) func(*config.File) {
		return func(c *config.File) { c.AddRunImageMirrors(image, mirrors...) }
	}
	noRun := func(image string, mirrors ...string) func(*config.File) {
		return func(c *config.File) { c.RemoveRunImageMirrors(image, mirrors...) }
	}
	replaced := func(old, changed string) string {
		if !strings.Contains(packsOwn, old) {
			t.Fatalf("no %q", old)
		}
		return strings.Replace(packsOwn, old, changed, 1)
	}
	const looksLikeIt = "x = '''\npull-policy = \"never\"\n[registry-mirrors]\n'''\n"
	for _, test := range []struct {
		name, before string
		change       func(*config.File)
		after        string
	}{
		{"value in nothing", "", policy("never"), "pull-policy = \"never\"\n"},
		{"value, with a comment", packsOwn, builder("acme/b"), replaced(`"registry.example.com/acme/builder" # the default`, `"acme/b" # the default`)},
		{"value that is there", packsOwn, policy("if-not-present"), packsOwn},
		{"value unset", packsOwn, policy(""), replaced("pull-policy = \"if-not-present\"\n", "")},
		{"value unset that is not there", "x = 1\n", policy(""), "x = 1\n"},
		{"value before tables", "# top\n\n# of a\n[a]\nx = 1\n", policy("never"), "# top\npull-policy = \"never\"\n\n# of a\n[a]\nx = 1\n"},
		{"value before a table at once", "[a]\nx = 1\n", policy("never"), "pull-policy = \"never\"\n\n[a]\nx = 1\n"},
		{"value without a last newline", "x = 1", policy("never"), "x = 1\npull-policy = \"never\"\n"},
		{"value with CRLF", "pull-policy = 'never' # x\r\n", policy("always"), "pull-policy = \"always\" # x\r\n"},
		{"value below what looks like it", looksLikeIt + "\"pull-policy\" = \"never\"\n", policy("always"), looksLikeIt + "\"pull-policy\" = \"always\"\n"},
		{"value after a byte order mark", "\ufeff# x\n[a]\n", policy("never"), "\ufeff\npull-policy = \"never\"\n# x\n[a]\n"},
		{"value in the line of a byte order mark", "\ufeffpull-policy = 'never'\n", policy("always"), "\ufeffpull-policy = \"always\"\n"},
		{"mirror in nothing", "", mirror("index.docker.io", "m.example.com"), "[registry-mirrors]\n  \"index.docker.io\" = \"m.example.com\"\n"},
		{"mirror, another one", packsOwn, mirror("*", "m.example.com"), replaced("\"mirror.example.com\"\n", "\"mirror.example.com\"\n  \"*\" = \"m.example.com\"\n")},
		{"mirror, the same registry", packsOwn, mirror("index.docker.io", "m.example.com"), replaced("mirror.example.com", "m.example.com")},
		{"mirror removed", packsOwn, mirror("index.docker.io", ""), replaced("\n[registry-mirrors]\n  \"index.docker.io\" = \"mirror.example.com\"\n", "")},
		{"mirror removed of two", "[registry-mirrors]\na = \"b\"\n\"c\" = \"d\"\n", mirror("a", ""), "[registry-mirrors]\n\"c\" = \"d\"\n"},
		{"mirror below what looks like it", looksLikeIt + "[registry-mirrors]\n", mirror("a", "b"), looksLikeIt + "[registry-mirrors]\n  a = \"b\"\n"},
		{"run image in nothing", "", run("acme/run", "b/run", "a/run"), "[[run-images]]\n  image = \"acme/run\"\n  mirrors = [\"a/run\", \"b/run\"]\n"},
		{"run image, more mirrors", packsOwn, run("paketobuildpacks/run-jammy-base", "a/run", "registry.example.com/run"), replaced(`["registry.example.com/run"]`, `["a/run", "registry.example.com/run"]`)},
		{"run image, another one", "run-images = []\nx = 1\n", run("acme/run", "a/run"), "x = 1\n\n[[run-images]]\n  image = \"acme/run\"\n  mirrors = [\"a/run\"]\n"},
		{"run image removed", packsOwn, noRun("paketobuildpacks/run-jammy-base"), replaced("[[run-images]]\n  image = \"paketobuildpacks/run-jammy-base\"\n  mirrors = [\"registry.example.com/run\"]\n\n", "")},
		{"run image, one mirror removed", "[[run-images]]\nimage = \"a\"\nmirrors = [\"b\",\n\"c\"]\n# end\n", noRun("a", "b"), "[[run-images]]\n  image = \"a\"\n  mirrors = [\"c\"]\n# end\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := configAt(t, test.before)
			file := load(t, path)
			test.change(file)
			inMemory := []any{file.DefaultBuilder, file.PullPolicy, file.RegistryMirrors, file.RunImages}
			if err := file.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			after, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.after, string(after)); diff != "" {
				t.Error(diff)
			}
			file = load(t, path)
			saved := []any{file.DefaultBuilder, file.PullPolicy, file.RegistryMirrors, file.RunImages}
			if !strings.Contains(test.name, "nothing") && !strings.Contains(test.name, "removed") {
				if diff := cmp.Diff(inMemory, saved); diff != "" {
					t.Errorf("in memory and saved: %s", diff)
				}
			}
		})
	}
}

// FuzzSet sets a value in any file: either that is all that changes, or
// nothing does.
func FuzzSet(f *testing.F) {
	f.Add(packsOwn, "never")
	f.Add("x = '''\npull-policy = 1\n'''\n[a]\n", "never")
	f.Add("pull-policy.x = 1", "")
	f.Fuzz(func(t *testing.T, content, value string) {
		path := configAt(t, content)
		file, err := config.Load(path)
		if err != nil {
			return
		}
		builders := file.Trusted().Builders
		file.SetPullPolicy(value)
		file.SetRegistryMirror("*", value)
		file.AddRunImageMirrors("acme/run", value)
		if file.Save(t.Context()) != nil {
			if after, _ := os.ReadFile(path); string(after) != content {
				t.Fatalf("an error, and %q became %q", content, after)
			}
			return
		}
		file = load(t, path)
		if file.PullPolicy != value || file.RegistryMirrors["*"] != value {
			t.Fatalf("%q is not in %q", value, content)
		}
		if diff := cmp.Diff(builders, file.Trusted().Builders); diff != "" {
			t.Fatal(diff)
		}
	})
}
