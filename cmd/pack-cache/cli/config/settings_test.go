package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSettings shows, sets and unsets what is in the configuration besides
// trusted builders.
func TestSettings(t *testing.T) {
	const full = `# mine
default-builder-image = "acme/old" # for now
pull-policy = "never"

[[run-images]]
  image = "acme/run"
  mirrors = ["a.example.com/run", "b.example.com/run"]

[registry-mirrors]
  "index.docker.io" = "mirror.example.com"
`
	changed := func(old, new string) string { return strings.Replace(full, old, new, 1) }
	for _, test := range []struct {
		name, before, args string
		want               outcome
		after              string
	}{
		{"default builder", full, "default-builder", outcome{0, "acme/old\n", ""}, full},
		{"no default builder", "", "default-builder", outcome{0, "", "No default builder is set\n"}, ""},
		{"set default builder", full, "default-builder acme/new", outcome{0, "", "The default builder is now acme/new\n"}, changed("acme/old", "acme/new")},
		{"set the same", full, "default-builder acme/old", outcome{0, "", "The default builder is already acme/old\n"}, full},
		{"set what is no builder", full, "default-builder acme/none", outcome{2, "", "ERROR: acme/none is no builder\nHINT: name another one\n"}, full},
		{"unset default builder", full, "default-builder --unset", outcome{0, "", "The default builder is no longer acme/old\n"}, changed("default-builder-image = \"acme/old\" # for now\n", "")},
		{"unset nothing", "", "default-builder -u", outcome{0, "", "No default builder was set\n"}, ""},
		{"set and unset", full, "pull-policy always --unset", outcome{2, "", "ERROR: --unset takes no value\nHINT: leave out one of the two\n"}, full},
		{"two values", full, "pull-policy always never", outcome{2, "", "ERROR: `config pull-policy` takes at most one pull policy, but 2 were given\nHINT: see `config pull-policy --help`\n"}, full},
		{"pull policy", full, "pull-policy", outcome{0, "never\n", ""}, full},
		{"default pull policy", "", "pull-policy", outcome{0, "always\n", ""}, ""},
		{"set pull policy", full, "pull-policy if-not-present", outcome{0, "", "The pull policy is now if-not-present\n"}, changed(`"never"`, `"if-not-present"`)},
		{"set pull policy that is none", full, "pull-policy sometimes", outcome{2, "", "ERROR: pull policy \"sometimes\" is not known\nHINT: choose one of always, if-not-present, never\n"}, full},
		{"unset pull policy", full, "pull-policy --unset", outcome{0, "", "The pull policy is no longer never\nThe pull policy is now always, the default\n"}, changed("pull-policy = \"never\"\n", "")},
		{"set lifecycle image", "", "lifecycle-image acme/lifecycle:1", outcome{0, "", "The lifecycle image is now acme/lifecycle:1\n"}, "lifecycle-image = \"acme/lifecycle:1\"\n"},
		{"set lifecycle image that is none", "", "lifecycle-image A", outcome{2, "", "ERROR: lifecycle image \"A\" is not an image reference: repository can only contain the characters `abcdefghijklmnopqrstuvwxyz0123456789_-./`: A\nHINT: write it as REGISTRY/REPOSITORY[:TAG]\n"}, ""},
		{"registry mirrors", full, "registry-mirrors", outcome{0, "Registry Mirrors:\n  index.docker.io: mirror.example.com\n", ""}, full},
		{"no registry mirrors", "", "registry-mirrors list", outcome{0, "", "No registry has a mirror\n"}, ""},
		{"add registry mirror", full, "registry-mirrors add r.example.com:5000 -m m.example.com/r", outcome{0, "", "Registry r.example.com:5000 now has the mirror m.example.com/r\n"}, full + "  \"r.example.com:5000\" = \"m.example.com/r\"\n"},
		{"add registry mirror of all", "", "registry-mirrors add * --mirror m.example.com", outcome{0, "", "Registry * now has the mirror m.example.com\n"}, "[registry-mirrors]\n  \"*\" = \"m.example.com\"\n"},
		{"add no mirror", full, "registry-mirrors add r.example.com", outcome{2, "", "ERROR: no mirror given\nHINT: name it with --mirror HOST, or --mirror HOST/PATH\n"}, full},
		{"add a URL", full, "registry-mirrors add r.example.com -m https://m.example.com", outcome{2, "", "ERROR: \"https://m.example.com\" is not a host\nHINT: write it as HOST, or HOST:PORT\n"}, full},
		{"remove registry mirror", full, "registry-mirror remove index.docker.io", outcome{0, "", "Registry index.docker.io has no mirror any more\n"}, changed("\n[registry-mirrors]\n  \"index.docker.io\" = \"mirror.example.com\"\n", "")},
		{"remove no registry mirror", full, "registry-mirrors remove r.example.com", outcome{0, "", "Registry r.example.com had no mirror\n"}, full},
		{"run image mirrors", full, "run-image-mirrors", outcome{0, "Run Image Mirrors:\n  acme/run:\n    a.example.com/run\n    b.example.com/run\n", ""}, full},
		{"run image mirrors of another", full, "run-image-mirrors list acme/other", outcome{0, "", "No run image mirrors are set for acme/other\n"}, full},
		{"add run image mirrors", full, "run-image-mirrors add acme/run -m c.example.com/run,a.example.com/run", outcome{0, "", "Run image acme/run now has the mirror c.example.com/run\nRun image acme/run now has the mirror a.example.com/run\n"}, changed(`"b.example.com/run"]`, `"b.example.com/run", "c.example.com/run"]`)},
		{"add what is not a reference", full, "run-image-mirrors add acme/run -m A", outcome{2, "", "ERROR: mirror \"A\" is not an image reference: repository can only contain the characters `abcdefghijklmnopqrstuvwxyz0123456789_-./`: A\nHINT: write it as REGISTRY/REPOSITORY[:TAG]\n"}, full},
		{"remove a run image mirror", full, "run-image-mirrors remove acme/run -m a.example.com/run", outcome{0, "", "Removed mirrors a.example.com/run of run image acme/run\n"}, changed(`"a.example.com/run", `, "")},
		{"remove all of them", full, "run-image-mirrors remove acme/run", outcome{0, "", "Removed all mirrors of run image acme/run\n"}, changed("[[run-images]]\n  image = \"acme/run\"\n  mirrors = [\"a.example.com/run\", \"b.example.com/run\"]\n\n", "")},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := home(t, test.before)
			got := run(t, strings.Fields(test.args)...)
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(outcome{})); diff != "" {
				t.Error(diff)
			}
			after, _ := os.ReadFile(path)
			if diff := cmp.Diff(test.after, string(after)); diff != "" {
				t.Errorf("the file: %s", diff)
			}
		})
	}
}
