package confine

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSealWaits seals a file of which somebody holds a page for a moment.
func TestSealWaits(t *testing.T) {
	t.Parallel()
	fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	memory := os.NewFile(uintptr(fd), "test")
	defer memory.Close()
	if _, err := memory.WriteString("content"); err != nil {
		t.Fatal(err)
	}
	held, err := unix.Mmap(fd, 0, 7, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(memory.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); !errors.Is(err, unix.EBUSY) {
		t.Fatalf("sealing gives %v, want EBUSY", err)
	}
	released := make(chan error, 1)
	go func() { released <- unix.Munmap(held) }()
	if err := seal(memory); err != nil {
		t.Error(err)
	}
	if err := <-released; err != nil {
		t.Error(err)
	}
	if _, err := memory.WriteAt([]byte("x"), 0); err == nil {
		t.Error("it can still be written to")
	}
}
