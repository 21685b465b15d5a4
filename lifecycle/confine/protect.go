package confine

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Protect keeps other processes of the same user from reading this process'
// memory and environment, and from tracing it, and the kernel from writing its
// memory to a file when it crashes. A program calls it at its start, before it
// reads a credential; of the first the kernel forgets at every exec, but programs
// that it starts leave no such file either.
func Protect() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("protecting the process: %w", err)
	}
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_CORE, &limit)
	if err == nil {
		limit.Cur = 0
		err = unix.Setrlimit(unix.RLIMIT_CORE, &limit)
	}
	if err != nil {
		return fmt.Errorf("protecting the process: %w", err)
	}
	return nil
}
