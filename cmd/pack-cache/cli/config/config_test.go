package config_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/config"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/iostreams"
	"github.com/pack-cache/pack-cache/internal/hint"
)

var update = flag.Bool("update", false, "write the golden files")

// outcome is what a command leaves.
type outcome struct {
	code     int
	out, err string
}

// run runs `config` with the given arguments. The configuration's directory
// prints as PACK_HOME.
func run(t *testing.T, args ...string) outcome {
	t.Helper()
	streams, out, errOut := iostreams.Test()
	cmd := config.NewCmdConfig(streams, isBuilder)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(out)
	cmd.SetErr(errOut)
	cmd.SetArgs(args)
	code := exit.Print(errOut, cmd.ExecuteContext(t.Context()))
	show := func(b *bytes.Buffer) string {
		return strings.ReplaceAll(b.String(), os.Getenv("PACK_HOME"), "PACK_HOME")
	}
	return outcome{code, show(out), show(errOut)}
}

// isBuilder takes every name for that of a builder, but one.
func isBuilder(_ context.Context, name string) error {
	if name == "acme/none" {
		return hint.Usagef("name another one", "acme/none is no builder")
	}
	return nil
}

// home makes a configuration and points PACK_HOME at it.
func home(t *testing.T, content string) (path string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("PACK_HOME", dir)
	path = filepath.Join(dir, "config.toml")
	if content != "" {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

const mine = `# mine
pull-policy = "never"

[[trusted-builders]]
  name = "registry.example.com/acme/builder"

[[trusted-builders]]
  name = "heroku/builder:24"
`

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: %s", path, diff)
	}
}

func TestList(t *testing.T) {
	home(t, mine)
	for file, args := range map[string][]string{
		"list.txt":  {"trusted-builders", "list"},
		"alone.txt": {"trusted-builders"},
		"alias.txt": {"trust-builder", "list", "--output", "text"},
		"list.json": {"trusted-builders", "list", "--output", "json"},
		"help.txt":  {"trusted-builders", "--help"},
	} {
		got := run(t, args...)
		if got.code != 0 || got.err != "" {
			t.Errorf("%v: %+v", args, got)
		}
		if strings.HasSuffix(file, ".txt") && file != "help.txt" {
			file = "list.txt"
		}
		golden(t, file, got.out)
	}
	if got := run(t, "trusted-builders", "--output", "json"); !json.Valid([]byte(got.out)) {
		t.Errorf("not JSON: %s", got.out)
	}
}

func TestListWithoutAFile(t *testing.T) {
	path := home(t, "")
	got := run(t, "trusted-builders")
	if got.code != 0 || !strings.Contains(got.out, "  heroku/builder:24\n") {
		t.Error(got)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("listing made the file")
	}
}

func TestChanges(t *testing.T) {
	const block = "\n[[trusted-builders]]\n  name = "
	tests := []struct {
		name, before string
		args         []string
		code         int
		err          string
		after        string
	}{
		{"add", mine, []string{"add", "acme/b"}, 0,
			"Builder acme/b is now trusted: every tag and digest of index.docker.io/acme/b\n", mine + block + "\"acme/b\"\n"},
		{"add a tag", mine, []string{"add", "Registry.example.com:5000/b:1"}, 0,
			"Builder Registry.example.com:5000/b:1 is now trusted: tag 1 of registry.example.com:5000/b\n", mine + block + "\"Registry.example.com:5000/b:1\"\n"},
		{"add to no file", "", []string{"add", "acme/b"}, 0,
			"Builder acme/b is now trusted: every tag and digest of index.docker.io/acme/b\n", strings.TrimPrefix(block, "\n") + "\"acme/b\"\n"},
		{"add what is there", mine, []string{"add", "registry.example.com/acme/builder"}, 0,
			"Builder registry.example.com/acme/builder is already trusted: registry.example.com/acme/builder is listed in PACK_HOME/config.toml\n", mine},
		{"add what another entry covers", mine, []string{"add", "registry.example.com/acme/builder:2"}, 0,
			"Builder registry.example.com/acme/builder:2 is already trusted: registry.example.com/acme/builder is listed in PACK_HOME/config.toml\n", mine},
		{"add the same path elsewhere", mine, []string{"add", "evil.example.com/acme/builder"}, 0,
			"Builder evil.example.com/acme/builder is now trusted: every tag and digest of evil.example.com/acme/builder\n", mine + block + "\"evil.example.com/acme/builder\"\n"},
		{"add a known builder", mine, []string{"add", "paketobuildpacks/builder-jammy-base:latest"}, 0,
			"Builder paketobuildpacks/builder-jammy-base:latest is already trusted: paketobuildpacks/builder-jammy-base is a known builder\n", mine},
		{"add what is not a reference", mine, []string{"add", "ACME/b"}, 2,
			"ERROR: builder \"ACME/b\" is not a valid image reference\nHINT: a builder is named like registry.example.com/acme/builder, with :tag or @digest to trust nothing else of it\n", mine},
		{"add nothing", mine, []string{"add"}, 2,
			"ERROR: `config trusted-builders add` takes one builder, but none was given\nHINT: see `config trusted-builders add --help`\n", mine},
		{"remove", mine, []string{"remove", "registry.example.com/acme/builder"}, 0,
			"Builder registry.example.com/acme/builder is no longer trusted\n",
			strings.Replace(mine, block+"\"registry.example.com/acme/builder\"\n", "", 1)},
		{"remove a known one that was added", mine, []string{"remove", "heroku/builder:24"}, 0,
			"Builder heroku/builder:24 is no longer listed, but still trusted: heroku/builder:24 is a known builder\n",
			strings.Replace(mine, block+"\"heroku/builder:24\"\n", "", 1)},
		{"remove a known one", mine, []string{"remove", "heroku/builder:22"}, 1,
			"ERROR: builder heroku/builder:22 is a known builder (heroku/builder:22), and those cannot be made untrusted\nHINT: a copy in a registry of your own is untrusted until you add it\n", mine},
		{"remove what is not there", mine, []string{"remove", "acme/b"}, 1,
			"ERROR: builder acme/b wasn't trusted: it is not listed in PACK_HOME/config.toml\nHINT: `pack-cache config trusted-builders list` shows what is\n", mine},
		{"remove what another entry covers", mine, []string{"remove", "registry.example.com/acme/builder:2"}, 1,
			"ERROR: builder registry.example.com/acme/builder:2 is not listed itself, but trusted because registry.example.com/acme/builder is listed in PACK_HOME/config.toml\nHINT: remove that: pack-cache config trusted-builders remove registry.example.com/acme/builder\n", mine},
		{"remove what is not a reference", mine, []string{"remove", "https://x/y"}, 2,
			"ERROR: builder \"https://x/y\" is not a valid image reference\nHINT: a builder is named like registry.example.com/acme/builder, with :tag or @digest to trust nothing else of it\n", mine},
		{"a file that is no TOML", "a = 1\nb = \n", []string{"add", "acme/b"}, 1,
			"ERROR: PACK_HOME/config.toml:2: at \"b\": expected value but found '\\n' instead\nHINT: correct the file by hand; nothing was changed in it\n", "a = 1\nb = \n"},
		{"a file that cannot be edited", "trusted-builders = [{name = \"acme/a\"}]\n", []string{"add", "acme/b"}, 1,
			"ERROR: PACK_HOME/config.toml: the trusted builders are written in a way that cannot be edited without touching the rest of the file\nHINT: correct the file by hand; nothing was changed in it\n", "trusted-builders = [{name = \"acme/a\"}]\n"},
		{"a command that does not exist", mine, []string{"trust", "acme/b"}, 2,
			"ERROR: `config trusted-builders` has no command \"trust\"\nHINT: see `config trusted-builders --help`\n", mine},
		{"a form that does not exist", mine, []string{"list", "--output", "yaml"}, 2,
			"ERROR: --output \"yaml\" is not known\nHINT: choose text or json\n", mine},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := home(t, test.before)
			got := run(t, append([]string{"trusted-builders"}, test.args...)...)
			if diff := cmp.Diff(outcome{test.code, "", test.err}, got, cmp.AllowUnexported(outcome{})); diff != "" {
				t.Error(diff)
			}
			after, _ := os.ReadFile(path)
			if diff := cmp.Diff(test.after, string(after)); diff != "" {
				t.Errorf("the file: %s", diff)
			}
		})
	}
}

func TestConfigAlone(t *testing.T) {
	home(t, "")
	got := run(t)
	if got.code != 0 || !strings.Contains(got.out, "trusted-builders") {
		t.Error(got)
	}
	if got := run(t, "nonsense"); got.code != 2 {
		t.Error(got)
	}
}
