package phases

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// privateStdout keeps standard output for replies and points descriptor 1 at
// standard error, because the lifecycle's packages print to it.
func privateStdout() (io.Writer, error) {
	fd, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("keep standard output: %w", err)
	}
	if err := unix.Dup3(2, 1, 0); err != nil {
		return nil, fmt.Errorf("redirect standard output: %w", err)
	}
	return os.NewFile(uintptr(fd), "replies"), nil
}
