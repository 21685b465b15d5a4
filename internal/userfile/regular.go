package userfile

import (
	"errors"
	"io/fs"
	"os"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/posix"
)

// ErrNotRegular says that a file has no content which ends.
var ErrNotRegular = errors.New("neither a regular file nor a link to one")

// OpenRegular opens a regular file, or the null device. The error is an
// *fs.PathError, with ErrNotRegular for anything else: a named pipe would keep the
// command waiting, and a device may never end.
func OpenRegular(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|posix.O_NONBLOCK, 0)
	return checked(path, file, err)
}

// OpenIn opens a file below root as OpenRegular does. Nothing outside of root is
// opened, whatever links there are.
func OpenIn(root *os.Root, name string) (*os.File, error) {
	file, err := root.OpenFile(name, os.O_RDONLY|posix.O_NONBLOCK, 0)
	return checked(name, file, err)
}

func checked(path string, file *os.File, err error) (*os.File, error) {
	if err != nil {
		return nil, err
	}
	if err := checkRegular(file); err != nil {
		file.Close()
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return file, nil
}

// ReadRegular reads what OpenRegular opens. The error is an *fs.PathError, or a
// *bounds.Error for a file larger than bounds.MaxDocument.
func ReadRegular(path string) ([]byte, error) {
	file, err := OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return bounds.Read(file)
}

func checkRegular(file *os.File) error {
	info, err := file.Stat()
	if err != nil || info.Mode().IsRegular() {
		return err
	}
	if null, err := os.Stat(os.DevNull); err == nil && os.SameFile(info, null) {
		return nil
	}
	return ErrNotRegular
}
