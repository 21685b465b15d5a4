package inplace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// remove removes path with all below it, also from directories that do not let
// their owner in.
func remove(path string) error {
	if err := os.RemoveAll(path); err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	// No phase runs any more that could put a link in the way.
	_ = filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if entry == nil || !entry.IsDir() {
			return nil
		}
		if err != nil {
			return fs.SkipDir
		}
		return os.Chmod(path, 0o700)
	})
	return os.RemoveAll(path)
}

// removeContent removes what is in a directory.
func removeContent(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var errs []error
	for _, entry := range entries {
		errs = append(errs, remove(filepath.Join(dir, entry.Name())))
	}
	return errors.Join(append(errs, err)...)
}
