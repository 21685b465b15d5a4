//go:build unix

package userfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestCheckBeforeWriting tells what can be written from what cannot, and leaves
// everything as it was.
func TestCheckBeforeWriting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		os.WriteFile(at("file"), []byte("content"), 0o600),
		os.Mkdir(at("dir"), 0o700),
		os.Symlink("dir", at("link")),
		os.Symlink("nowhere", at("dangling")),
		syscall.Mkfifo(at("pipe"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		what  string
		check func(string) error
		path  string
		want  string // "" for no error
	}{
		{"directory", CheckDir, "dir", ""},
		{"directory by a link", CheckDir, "link", ""},
		{"directory that is not there yet", CheckDir, "dir/new/er", ""},
		{"file as a directory", CheckDir, "file", "/file is not a directory"},
		{"directory below a file", CheckDir, "file/new/er", "/file is not a directory"},
		{"dangling link as a directory", CheckDir, "dangling", "/dangling is a link whose target does not exist"},
		{"directory below a dangling link", CheckDir, "dangling/new", "/dangling is a link whose target does not exist"},
		{"pipe as a directory", CheckDir, "pipe", "/pipe is not a directory"},
		{"new file", CheckNew, "dir/new", ""},
		{"file in no directory", CheckNew, "nowhere/new", "/nowhere/new: no such file"},
		{"file that is there", CheckReplaceable, "file", ""},
		{"file that is not there", CheckReplaceable, "new", ""},
		{"directory as a file", CheckReplaceable, "dir", "/dir is a directory"},
		{"pipe as a file", CheckReplaceable, "pipe", ""},
		{"file below a file", CheckReplaceable, "file/new", "/file/new: not a directory"},
	} {
		err := test.check(at(test.path))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", test.what, err, test.want)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 5 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if content, err := os.ReadFile(at("file")); err != nil || string(content) != "content" {
		t.Errorf("the file became %q, %v", content, err)
	}
}
