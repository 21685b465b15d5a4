package confine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// SealedCopy returns a copy of a program in memory that nobody can change any
// more. Processes of a phase are started from such a copy and never from the
// file on disk: a user with one id would own that file inside the sandbox too,
// and could write to it through /proc/self/exe.
func SealedCopy(path string) (*os.File, error) {
	source, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("copying the program: %w", err)
	}
	defer source.Close()
	const name = "pack-cache"
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // MFD_EXEC needs Linux 6.3
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return nil, fmt.Errorf("copying the program: memfd_create: %w", err)
	}
	memory := os.NewFile(uintptr(fd), name)
	if _, err := io.Copy(memory, source); err != nil {
		memory.Close()
		return nil, fmt.Errorf("copying the program: %w", err)
	}
	if err := seal(memory); err != nil {
		memory.Close()
		return nil, fmt.Errorf("sealing the copy of the program: %w", err)
	}
	return memory, nil
}

// The kernel refuses to seal a file while something holds one of its pages. What
// copied them may do so for a moment on a busy machine.
const (
	sealTries = 100
	sealPause = 50 * time.Millisecond
)

// seal makes a file in memory one that nobody can change.
func seal(memory *os.File) error {
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	for try := 1; ; try++ {
		_, err := unix.FcntlInt(memory.Fd(), unix.F_ADD_SEALS, seals)
		if !errors.Is(err, unix.EBUSY) || try == sealTries {
			return err
		}
		time.Sleep(sealPause)
	}
}
