package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// storeDir returns the absolute path of the layer store, made and owned by the
// user that this process runs as. Without a name it is in the user's cache
// directory or, where that cannot be, in the temporary directory.
func storeDir(dir string) (string, error) {
	if dir != "" {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return "", err
		}
		return dir, ownDir(dir, os.Stat)
	}
	if cache, err := os.UserCacheDir(); err == nil {
		dir := filepath.Join(cache, "pack-cache", "builders")
		if ownDir(dir, os.Stat) == nil {
			return dir, nil
		}
	}
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
		return "", confine.WithHint(fmt.Errorf("temporary directory %s: %w", dir, err), "name another directory in TMPDIR")
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
		return confine.WithHint(fmt.Errorf("layer store: %s is not a directory of user %d", dir, os.Geteuid()),
			"name another directory for the layer store")
	}
	return nil
}
