package config_test

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

	"github.com/pack-cache/pack-cache/platform/config"
)

// configAt writes content to a configuration file and returns its path.
func configAt(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.toml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, path string) *config.File {
	t.Helper()
	file, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
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

func TestLoad(t *testing.T) {
	t.Parallel()
	file := load(t, configAt(t, packsOwn))
	if diff := cmp.Diff([]string{"registry.example.com/acme/builder", "heroku/builder:99"}, file.Trusted().Builders); diff != "" {
		t.Error(diff)
	}
	got := []any{file.DefaultBuilder, file.LifecycleImage, file.PullPolicy, file.RunImages}
	want := []any{"registry.example.com/acme/builder", "registry.example.com/lifecycle", "if-not-present",
		[]config.RunImage{{Image: "paketobuildpacks/run-jammy-base", Mirrors: []string{"registry.example.com/run"}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadMissing(t *testing.T) {
	t.Parallel()
	file := load(t, filepath.Join(t.TempDir(), "no", "file.toml"))
	if got := file.Trusted().Builders; len(got) != 0 {
		t.Errorf("trusted builders: %v", got)
	}
}

func TestLoadInvalid(t *testing.T) {
	t.Parallel()
	for content, line := range map[string]string{
		"a = 1\nb = \n":              ":2: ",
		"\n\ntrusted-builders = 3\n": ":3: ",
	} {
		path := configAt(t, content)
		_, err := config.Load(path)
		if err == nil || !strings.HasPrefix(err.Error(), path+line) {
			t.Errorf("%q: %v, want it to begin with %s%s", content, err, path, line)
		}
	}
}

func TestEdits(t *testing.T) {
	t.Parallel()
	block := func(name string) string { return "[[trusted-builders]]\n  name = \"" + name + "\"\n" }
	add := func(builder string) func(*config.File) error {
		return func(c *config.File) error { return c.Add(builder) }
	}
	remove := func(builder string) func(*config.File) error {
		return func(c *config.File) error { _, err := c.Remove(builder); return err }
	}
	tests := []struct {
		name, before string
		change       func(*config.File) error
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
			file := load(t, path)
			if err := test.change(file); err != nil {
				t.Fatal(err)
			}
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
			if diff := cmp.Diff(load(t, path).Trusted().Builders, file.Trusted().Builders); diff != "" {
				t.Errorf("what Save left in memory: %s", diff)
			}
		})
	}
}

func TestEditThatWouldLoseSomething(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		`trusted-builders = [{name = "acme/b"}, {name = "acme/c"}] # inline` + "\n",
		"[[trusted-builders]]\nname = \"acme/b\"\n[trusted-builders.more]\nx = 1\n[[trusted-builders]]\nname = \"acme/c\"\n[trusted-builders.more]\nx = 2\n",
	} {
		path := configAt(t, content)
		file := load(t, path)
		if ok, err := file.Remove("acme/b"); err != nil || !ok {
			t.Fatal(ok, err)
		}
		err := file.Save(t.Context())
		var known *config.Error
		if !errors.As(err, &known) || known.Hint() == "" || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: error %v", content, err)
		}
		if after, _ := os.ReadFile(path); string(after) != content {
			t.Errorf("the file was changed to %q", after)
		}
	}
}

func TestAddRejectsWhatIsNoReference(t *testing.T) {
	t.Parallel()
	file := load(t, configAt(t, ""))
	for _, builder := range []string{"", "UPPER/case", "a b", "https://example.com/b", "x:", "a@sha256:12"} {
		if err := file.Add(builder); err == nil {
			t.Errorf("Add(%q) is no error", builder)
		}
		if _, err := file.Remove(builder); err == nil {
			t.Errorf("Remove(%q) is no error", builder)
		}
	}
}

func TestSaveCreatesTheDirectory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "b", "file.toml")
	file := load(t, path)
	if err := file.Add("acme/b"); err != nil {
		t.Fatal(err)
	}
	if err := file.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"acme/b"}, load(t, path).Trusted().Builders); diff != "" {
		t.Error(diff)
	}
}

func TestSaveKeepsLinkAndMode(t *testing.T) {
	t.Parallel()
	for _, exists := range []bool{true, false} {
		dir := t.TempDir()
		target := filepath.Join(dir, "dotfiles", "pack.toml")
		link := filepath.Join(dir, "file.toml")
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
		file := load(t, link)
		if err := file.Add("acme/b"); err != nil {
			t.Fatal(err)
		}
		if err := file.Save(t.Context()); err != nil {
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
		file := load(t, path)
		group.Go(func() {
			if err := file.Add(fmt.Sprintf("acme/b%d", i)); err != nil {
				t.Error(err)
			}
			if err := file.Save(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := load(t, path).Trusted().Builders; len(got) != writers+2 {
		t.Errorf("trusted builders: %v", got)
	}
}

func TestSaveReadsTheFileAgain(t *testing.T) {
	t.Parallel()
	path := configAt(t, "x = 1\n")
	file := load(t, path)
	if err := file.Add("acme/b"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("broken =\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := file.Save(t.Context())
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
	release := holdLock(t, filepath.Join(filepath.Dir(path), ".file.toml.lock"))
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

func FuzzEdit(f *testing.F) {
	f.Add(packsOwn, "acme/b")
	f.Add("[[trusted-builders]]\nname='acme/b'\n\n# c\n[a]\n", "acme/b")
	f.Add("trusted-builders=[]", "acme/b")
	f.Add("x = '''\n\n[[trusted-builders]]\n'''\n[[trusted-builders]]", "acme/b:1")
	f.Fuzz(func(t *testing.T, content, builder string) {
		path := configAt(t, content)
		file, err := config.Load(path)
		if err != nil {
			return
		}
		before := file.Trusted().Builders
		if file.Add(builder) != nil {
			return
		}
		if file.Save(t.Context()) != nil {
			if after, _ := os.ReadFile(path); string(after) != content {
				t.Fatalf("an error, and %q became %q", content, after)
			}
			return
		}
		after, _ := os.ReadFile(path)
		if !strings.HasPrefix(string(after), content) {
			t.Fatalf("adding %q changed %q to %q", builder, content, after)
		}
		file = load(t, path)
		if _, err := file.Remove(builder); err != nil {
			t.Fatal(err)
		}
		if file.Save(t.Context()) != nil {
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
	for _, name := range []string{".file.toml.123456", ".file.toml.9", ".file.toml.swp", ".file.toml.", "file.toml.1", ".other.toml.1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := load(t, filepath.Join(dir, "file.toml"))
	if err := file.Add("acme/b"); err != nil {
		t.Fatal(err)
	}
	if err := file.Save(t.Context()); err != nil {
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
	want := []string{".file.toml.", ".file.toml.lock", ".file.toml.swp", ".other.toml.1", "file.toml", "file.toml.1"}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestPath(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("PACK_HOME", "")
	if path, err := config.Path(); err != nil || path != filepath.Join(home, ".pack", "config.toml") {
		t.Error(path, err)
	}
	t.Setenv("PACK_HOME", "/else/where")
	if path, err := config.Path(); err != nil || path != "/else/where/config.toml" {
		t.Error(path, err)
	}
}
