package userfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pack-cache/pack-cache/internal/posix"
)

// CheckDir fails if no file can be made in a directory, which need not be there
// yet: then the nearest one above it counts. It leaves nothing behind.
func CheckDir(path string) error {
	for dir := path; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case err == nil && !info.IsDir():
			return fmt.Errorf("%s is not a directory", dir)
		case err == nil:
			return tryIn(dir, dir)
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR), dir == filepath.Dir(dir):
			return short(dir, err)
		}
		if _, err := os.Lstat(dir); err == nil {
			return fmt.Errorf("%s is a link whose target does not exist", dir)
		}
	}
}

// CheckReplaceable fails if Create would fail for what a path has now. That
// nothing is there is no failure, and the file keeps its content.
func CheckReplaceable(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return short(path, err)
	case info.IsDir():
		return fmt.Errorf("%s is a directory", path)
	case !info.Mode().IsRegular():
		return nil // a pipe may be read from by then
	}
	file, err := os.OpenFile(path, os.O_WRONLY|posix.O_NONBLOCK, 0)
	if err != nil {
		return short(path, err)
	}
	return file.Close()
}

// CheckNew fails if no file can be made in the directory that path is in. It leaves
// nothing behind.
func CheckNew(path string) error { return tryIn(filepath.Dir(path), path) }

// tryIn makes a file in a directory and removes it. Errors name what it is for.
func tryIn(dir, what string) error {
	file, err := os.CreateTemp(dir, ".pack-cache-")
	if err != nil {
		return short(what, err)
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// short is an error of a path, without the name of the system call.
func short(path string, err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = failed.Err
	}
	return fmt.Errorf("%s: %w", path, err)
}
