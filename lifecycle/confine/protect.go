package confine

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Protect keeps other processes of the same user from reading this process'
// memory and environment, and from tracing it. A program calls it at its start,
// before it reads a credential; the kernel forgets it at every exec.
func Protect() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("protecting the process: %w", err)
	}
	return nil
}
