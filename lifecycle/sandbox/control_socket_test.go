package sandbox

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestControlKeepsSocket has the garbage collector run while a control is used:
// init still has the descriptor that setup gets, and not another file of the same
// number.
func TestControlKeepsSocket(t *testing.T) {
	t.Parallel()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[1])
	var before, after unix.Stat_t
	if err := unix.Fstat(fds[0], &before); err != nil {
		t.Fatal(err)
	}
	// As Child does it: nobody else has the file.
	c, err := newControl(os.NewFile(uintptr(fds[0]), "control"))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		runtime.GC()
		runtime.Gosched()
	}
	if err := unix.Fstat(fds[0], &after); err != nil || after.Ino != before.Ino {
		t.Errorf("the descriptor of the socket is another file: %v", err)
	}
	runtime.KeepAlive(c)
}
