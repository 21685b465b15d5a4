package platform

import (
	"archive/tar"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/hint"
)

// TestSourceVanishes leaves out what somebody removes while the source is read.
func TestSourceVanishes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, "file"), nil, 0o600),
		os.Mkdir(filepath.Join(dir, "dir"), 0o700),
		os.Symlink("file", filepath.Join(dir, "link")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var odd oddFiles
	remove := func(path string, _ bool) bool { return os.Remove(filepath.Join(dir, path)) == nil }
	if err := sourceArchive(dir, remove, &odd)(t.Context(), tar.NewWriter(io.Discard)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file", "dir", "link"} {
		if !strings.Contains(odd.left.String(), `"`+name+`" (removed while the source was read)`) {
			t.Errorf("%s is missing in: %s", name, &odd.left)
		}
	}
}

// TestSourceGrows names a file that has more content than its size said.
func TestSourceGrows(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the file is one of Linux")
	}
	err := sourceArchive("/proc/sys/kernel/random", func(path string, _ bool) bool { return path == "boot_id" }, new(oddFiles))(t.Context(), tar.NewWriter(io.Discard))
	if hint.Of(err) == "" || !strings.Contains(err.Error(), `"boot_id" cannot be read: it was written to while the source was read`) {
		t.Errorf("%v", err)
	}
}
