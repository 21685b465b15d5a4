package sandbox

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/hint"
)

// stores are the directories in which builders are unpacked, absolute paths.
type stores struct {
	// Main is that of the user, Spare one in the temporary directory for what is
	// not in a main one that cannot be written to; "" where it can.
	Main  string `json:"main"`
	Spare string `json:"spare,omitempty"`
}

// writable is the one that can be written to.
func (s stores) writable() string { return cmp.Or(s.Spare, s.Main) }

// findStores returns the stores, those that are written to made and owned by the
// user that this process runs as. Without a name the store is in the user's cache
// directory or, where that cannot be, in the temporary directory; why says so then.
func findStores(dir string) (found stores, why string, err error) {
	if dir != "" {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return stores{}, "", err
		}
		return stores{Main: dir}, "", ownDir(dir, os.Stat)
	}
	cache, err := os.UserCacheDir()
	main := filepath.Join(cache, "pack-cache", "builders")
	if err == nil {
		err = ownDir(main, os.Stat)
	}
	if err == nil {
		if err = unix.Access(main, unix.W_OK|unix.X_OK); err == nil {
			return stores{Main: main}, "", nil
		}
		found.Main = main
	}
	temporary, tempErr := temporaryStore()
	if tempErr != nil {
		return stores{}, "", tempErr
	}
	if found.Main != "" {
		found.Spare = temporary
		return found, fmt.Sprintf("The store of builders %s cannot be written to (%v): what it does not have is unpacked in %s", main, err, temporary), nil
	}
	return stores{Main: temporary}, fmt.Sprintf("Builders are unpacked in %s, because no store for the next build can be made: %v", temporary, err), nil
}

// temporaryStore makes the store in the temporary directory.
func temporaryStore() (string, error) {
	parent := filepath.Join(os.TempDir(), fmt.Sprintf("pack-cache-%d", os.Geteuid()))
	// Anybody can make a symbolic link there.
	if err := ownDir(parent, os.Lstat); err != nil {
		return "", err
	}
	dir, err := filepath.Abs(filepath.Join(parent, "builders"))
	if err != nil {
		return "", err
	}
	return dir, ownDir(dir, os.Lstat)
}

// workDir returns the absolute path of the directory in which places are made.
func workDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return "", hint.Errorf("name another directory in TMPDIR", "temporary directory %s: %w", dir, err)
	}
	return dir, nil
}

// ownDir makes dir and its parents where they are missing, and sees to it that
// dir is this user's: what is unpacked there is executed.
func ownDir(dir string, look func(string) (os.FileInfo, error)) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("layer store: %w", err)
	}
	info, err := look(dir)
	if err != nil {
		return fmt.Errorf("layer store: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(stat.Uid) != os.Geteuid() {
		return hint.Errorf("name another directory for the layer store", "layer store: %s is not a directory of user %d", dir, os.Geteuid())
	}
	return nil
}
