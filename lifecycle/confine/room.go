package confine

import (
	"errors"

	"golang.org/x/sys/unix"
)

// NoRoom tells whether err says that a file system is full.
func NoRoom(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}
