package userfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/pack-cache/pack-cache/internal/posix"
)

// Create opens a file to write it anew, as os.Create does. It does not wait for
// somebody who reads a named pipe: the error is an *fs.PathError if there is
// nobody.
func Create(path string) (*os.File, error) {
	file, err := os.OpenFile(path, anew, 0o666)
	return created(path, file, err)
}

// CreateIn opens a file below root as Create does. Nothing outside of root is
// opened, whatever links there are.
func CreateIn(root *os.Root, name string) (*os.File, error) {
	file, err := root.OpenFile(name, anew, 0o666)
	return created(name, file, err)
}

const anew = os.O_WRONLY | os.O_CREATE | os.O_TRUNC | posix.O_NONBLOCK

func created(path string, file *os.File, err error) (*os.File, error) {
	if errors.Is(err, syscall.ENXIO) {
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("nobody reads from the named pipe")}
	}
	return file, err
}
