package project

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ignored are lists of patterns whose meaning Git knows best. None takes a file
// back out of a directory that is left out; see matcher.
var ignored = []string{
	"a", "a/", "/a", "/a/", "a/b", "a/b/", "/a/b", "b", "b/c", "*", "*/", "/*", "/*/", "**", "**/", "/**", "***", "*.log", "*.log/",
	"a/*", "a/**", "a/**/", "**/b", "**/b/", "**/b/c", "a/**/c", "a/**/b", "a/**/b/**", "a**", "a/b**", "**a", "a/*/c", "*/b", "*/*/c", "/**/c", "a//b",
	"?", "??", "a?b", "a/?", "[ab]", "[!a]", "[^a]", "[a-c]", "[]]", "[]-]", "[!]a]", "[a", "[", "a[", "[[:digit:]]", "[[:alpha:]]", "[[:nope:]]", "[\\]]", "[a-", "[--0]",
	"#x", `\#x`, "!x", `\!x`, `a\ `, `a\  `, "a ", "a   ", `a\`, `a\\`, `\a`, `\*`, `a\b`, " a", "\ta", "a\t", "", " ", "/", "!", `x\ y`, "x y", "x y ",
	"a+b", "a.b", "a(b", "a|b", "$", "^a", "{a,b}", "~", "ü", "?\xbc", "*ü*", "A",
	"*.log\n!keep.log", "!keep.log\n*.log", "a/*\n!a/b", "/*\n!/a", "*.log\n!/keep.log", "b\n!a/b\n", "# x\na\n\nb",
}

// paths are files; a path with a slash at its end is an empty directory.
var paths = []string{
	"a/b/c", "a/b/d/c", "a/c", "a/x.log", "a/keep.log", "b/c", "b/b/b", "c", "d/a", "d/b/c", "d/a.log/x", "e/", "keep.log", "x.log",
	"#x", "!x", "a ", "a  ", " a", "\ta", "a\t", `a\`, "*", "[", "]", "-", "0", "7", "a[", "x y", "x y ", "a+b", "aab", "a.b", "axb", "a(b", "$", "^a", "{a,b}", "~", "ü", "A", "ab", "aa/b",
}

// TestIgnoreLikeGit compares with what Git says of the same patterns and paths.
func TestIgnoreLikeGit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	git := func(input string, args ...string) string {
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(input)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "HOME="+dir, "GIT_CONFIG_GLOBAL=/dev/null")
		output, err := cmd.Output()
		if failed, ok := err.(*exec.ExitError); err != nil && (!ok || failed.ExitCode() != 1) { // 1: nothing is ignored
			t.Fatalf("git %v: %v", args, err)
		}
		return string(output)
	}
	git("", "init", "-q")
	type entry struct {
		name string
		dir  bool
	}
	var all []entry
	seen := map[string]bool{}
	for _, path := range paths {
		name, isDir := strings.CutSuffix(path, "/")
		full := filepath.Join(dir, name)
		var err error
		if isDir {
			err = os.MkdirAll(full, 0o755)
		} else if err = os.MkdirAll(filepath.Dir(full), 0o755); err == nil {
			err = os.WriteFile(full, nil, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		for at := name; at != "."; at = filepath.Dir(at) {
			if !seen[at] {
				seen[at] = true
				all = append(all, entry{at, isDir || at != name})
			}
		}
	}
	var names []string
	for _, e := range all {
		names = append(names, e.name)
	}
	for _, text := range ignored {
		if err := os.WriteFile(filepath.Join(dir, ".git/info/exclude"), []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		want := strings.Split(strings.TrimSuffix(git(strings.Join(names, "\x00"), "check-ignore", "--no-index", "-z", "--stdin"), "\x00"), "\x00")
		var got []string
		excluded := matcher(strings.Split(text, "\n"))
		for _, e := range all {
			if excluded(e.name, e.dir) {
				got = append(got, e.name)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(strings.Join(want, "\n"), strings.Join(got, "\n")); diff != "" {
			t.Errorf("%q (-git +here):\n%s", text, diff)
		}
	}
}

// FuzzIgnore matches anything with anything, in time that is no more than the
// product of the lengths.
func FuzzIgnore(f *testing.F) {
	for _, pattern := range ignored {
		f.Add(pattern, "a/b/c")
	}
	f.Fuzz(func(_ *testing.T, patterns, path string) {
		matcher(strings.Split(patterns, "\n"))(strings.Trim(path, "/")+"x", false)
	})
}

// TestIgnoreIsQuick has a pattern that others take exponential time for.
func TestIgnoreIsQuick(t *testing.T) {
	t.Parallel()
	pattern := strings.Repeat("**/*a*/", 30) + "b"
	if matcher([]string{pattern})(strings.Repeat(fmt.Sprintf("%s/", strings.Repeat("a", 100)), 100)+"c", false) {
		t.Error("it matches")
	}
}
