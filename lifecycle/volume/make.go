package volume

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// Make makes directories of the given names below dir, which belong to u.
func Make(dir string, names []string, u lifecycle.User) error {
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o755); err != nil {
			return err
		}
		if err := Give(path, u); err != nil {
			return err
		}
	}
	return nil
}

// Give makes an empty directory u's volume.
func Give(dir string, u lifecycle.User) error {
	// The process' umask may have taken something away.
	return errors.Join(os.Chmod(dir, 0o755), os.Chown(dir, u.UID, u.GID))
}
