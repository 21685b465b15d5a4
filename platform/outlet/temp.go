package outlet

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/pack-cache/pack-cache/internal/posix"
)

// tempPrefix begins the names of files that are being written.
const tempPrefix = ".pack-cache-"

// newTemp makes a file beside the one whose place it will take, and removes those
// that killed processes have left there. It is locked while it is written, by which
// others tell it from those.
func newTemp(dir string) (*os.File, error) {
	sweep(dir)
	for {
		file, err := os.CreateTemp(dir, tempPrefix)
		if err != nil {
			return nil, err
		}
		err = posix.TryLock(file)
		if err == nil && !linked(file) {
			err = posix.ErrLocked // sweep was faster
		}
		if err == nil {
			return file, nil
		}
		if err = errors.Join(err, file.Close()); !errors.Is(err, posix.ErrLocked) {
			return nil, errors.Join(err, os.Remove(file.Name()))
		}
	}
}

// linked tells whether a file still has its name.
func linked(file *os.File) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(file.Name())
	return err == nil && os.SameFile(open, named)
}

// sweep removes what killed processes have left. What cannot be removed stays.
func sweep(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !strings.HasPrefix(entry.Name(), tempPrefix) {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		file, err := os.Open(path)
		if err != nil {
			continue
		}
		if posix.TryLock(file) == nil {
			_ = os.Remove(path)
		}
		file.Close()
	}
}
