package phases

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// privateStreams takes the conversation with the caller away from descriptors 0
// and 1, where the lifecycle's packages would find it, to ones that no program
// inherits. What is printed goes to standard error.
//
// Both have to be sockets. A pipe could be opened once more by a path below
// /proc, and packages of the lifecycle read and write by paths beside which
// buildpacks have been.
func privateStreams() (in io.Reader, out io.Writer, err error) {
	// Other processes of the same user cannot take descriptors out of this one.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return nil, nil, fmt.Errorf("protect the phase: %w", err)
	}
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("protect the phase: %w", err)
	}
	var kept [2]*os.File
	for fd := range kept {
		var stat unix.Stat_t
		if err := unix.Fstat(fd, &stat); err != nil {
			return nil, nil, fmt.Errorf("descriptor %d: %w", fd, err)
		}
		if stat.Mode&unix.S_IFMT != unix.S_IFSOCK {
			return nil, nil, errors.New("a phase is started by pack-cache itself, which talks with it through sockets")
		}
		private, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return nil, nil, fmt.Errorf("keep descriptor %d: %w", fd, err)
		}
		kept[fd] = os.NewFile(uintptr(private), "conversation")
	}
	null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", os.DevNull, err)
	}
	defer unix.Close(null)
	if err := errors.Join(unix.Dup3(null, 0, 0), unix.Dup3(2, 1, 0)); err != nil {
		return nil, nil, fmt.Errorf("redirect standard input and output: %w", err)
	}
	return kept[0], kept[1], nil
}
