package bounds

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/posix"
)

// TestRoom fills a file system until nothing but the reserve is left.
func TestRoom(t *testing.T) {
	t.Parallel()
	if Room("/nonexistent") != unlimited {
		t.Error("it is known how much room there is where nothing is")
	}
	if os.Geteuid() != 0 {
		t.Skip("only root mounts file systems here")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	if room := Room(dir); room != 62<<20 {
		t.Errorf("there is room for %d bytes", room)
	}
	a, err := NewArchive(1<<30, -1, dir)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	piece := make([]byte, 1<<20)
	written := 0
	for ; err == nil; written++ {
		if _, err := file.Write(piece); err != nil {
			t.Fatalf("after %d MiB: %v", written, err)
		}
		err = a.Decoded(roomStep)
	}
	if !errors.Is(err, posix.ENOSPC) || written != 62 {
		t.Errorf("after %d MiB: %v", written, err)
	}
	if _, err := NewArchive(1<<20, -1, dir); !errors.Is(err, posix.ENOSPC) {
		t.Errorf("the next one: %v", err)
	}
}
