//go:build unix

package project

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFindSpecial refuses what a source tree puts in place of a file: a named pipe
// would keep the build waiting for ever, and a device may never end.
func TestFindSpecial(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(string) error{
		"pipe":           func(path string) error { return syscall.Mkfifo(path, 0o644) },
		"link to device": func(path string) error { return os.Symlink("/dev/zero", path) },
		"directory":      func(path string) error { return os.Mkdir(path, 0o755) },
	} {
		dir := t.TempDir()
		if err := put(filepath.Join(dir, DefaultFile)); err != nil {
			t.Fatal(err)
		}
		if _, err := Find(t.Context(), "", dir); err == nil || !strings.Contains(err.Error(), "neither a regular file nor a link to one") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReadPipe takes a descriptor that the user names out of a pipe, as the shell
// makes it of <(…).
func TestReadPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() {
		written <- os.WriteFile(path, []byte("[_]\nschema-version = \"0.2\"\n[io.buildpacks]\nbuilder = \"b\"\n"), 0)
	}()
	found, err := Find(t.Context(), path, "")
	if err != nil || found.Builder != "b" {
		t.Errorf("%+v, %v", found, err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}
