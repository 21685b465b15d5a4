package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pack-cache/pack-cache/internal/posix"
	"github.com/pack-cache/pack-cache/internal/userfile"
)

// Save writes the changes that were made since c was loaded. It reads the file
// again under a lock, so that changes of another process at the same time are
// kept, and replaces it in one step. Everything else in the file, comments and
// unknown keys included, stays as it is; where that cannot be proven, nothing
// is written and the error says so. The file and its directory are created
// where they are missing. A symbolic link stays one.
func (c *File) Save(ctx context.Context) error {
	if len(c.changes) == 0 {
		return nil
	}
	target, err := followLinks(c.path)
	if err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(filepath.Dir(target), "."+filepath.Base(target)+".lock"))
	if err != nil {
		return fmt.Errorf("writing the configuration: %w", err)
	}
	defer unlock()
	return c.rewrite(target)
}

// rewrite applies the changes to the file as it is now.
func (c *File) rewrite(target string) error {
	data, err := userfile.ReadRegular(target)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	text := string(data)
	for _, change := range c.changes {
		if text, err = change.apply(text); err != nil {
			if errors.Is(err, errByHand) {
				return &Error{Path: c.path, Reason: change.what + " " + err.Error()}
			}
			return newError(c.path, err)
		}
	}
	after := &File{path: c.path}
	if err := after.decode([]byte(text)); err != nil {
		return err
	}
	if text != string(data) {
		if err := replace(target, []byte(text)); err != nil {
			return fmt.Errorf("writing the configuration: %w", err)
		}
	}
	*c = *after
	return nil
}

// replace writes data to path in one step, with the mode and, where permitted,
// the owner that the file had.
func replace(path string, data []byte) (err error) {
	mode := fs.FileMode(0o644)
	old, statErr := os.Stat(path)
	if statErr == nil {
		mode = old.Mode().Perm()
	}
	removeTemporary(path)
	temp, err := os.CreateTemp(filepath.Dir(path), temporary(path)+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			temp.Close()
			os.Remove(temp.Name())
		}
	}()
	if _, err := temp.Write(data); err != nil {
		return err
	}
	if err := temp.Chmod(mode); err != nil {
		return err
	}
	if statErr == nil {
		if uid, gid, ok := posix.Owner(old); ok {
			// Only root may do this, and only root needs to.
			_ = temp.Chown(uid, gid)
		}
	}
	if err := errors.Join(temp.Sync(), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}

// temporary begins the names of files that are to take the place of path. Digits
// follow.
func temporary(path string) string { return "." + filepath.Base(path) + "." }

// removeTemporary removes what killed processes have left beside path. The caller
// has the lock, so nobody writes such a file now. What cannot be removed stays.
func removeTemporary(path string) {
	entries, _ := os.ReadDir(filepath.Dir(path))
	for _, entry := range entries {
		number, ok := strings.CutPrefix(entry.Name(), temporary(path))
		if ok && number != "" && strings.Trim(number, "0123456789") == "" && entry.Type().IsRegular() {
			_ = os.Remove(filepath.Join(filepath.Dir(path), entry.Name()))
		}
	}
}

// maxLinks is how many symbolic links followLinks follows, as many as Linux.
const maxLinks = 40

// followLinks returns the file that path stands for, which need not exist.
func followLinks(path string) (string, error) {
	for range maxLinks {
		link, err := os.Readlink(path)
		if err != nil {
			// Not a link, or nothing there; whoever opens it will say why.
			return path, nil
		}
		if filepath.IsAbs(link) {
			path = link
			continue
		}
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return "", err
		}
		path = filepath.Join(dir, link)
	}
	return "", &fs.PathError{Op: "open", Path: path, Err: posix.ELOOP}
}

// lockPoll is how often a lock is tried that somebody else holds.
const lockPoll = 20 * time.Millisecond

// lock takes an exclusive lock on the file at path, creating it, and waits for
// it until ctx ends. The file is left behind: removing it would let two
// processes hold locks on two files of the same name.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := posix.TryLock(file)
		if err == nil {
			// Closing gives the lock up.
			return func() { file.Close() }, nil
		}
		if !errors.Is(err, posix.ErrLocked) {
			file.Close()
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, ctx.Err()
		case <-time.After(lockPoll):
		}
	}
}
