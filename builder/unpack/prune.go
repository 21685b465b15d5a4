package unpack

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Prune removes what was last asked for before unusedSince and is in use by no
// Store of any process, this one included. It returns the bytes that were
// freed, also with an error; the error joins those of what could not be
// removed.
func (s *Store) Prune(ctx context.Context, unusedSince time.Time) (freedBytes int64, err error) {
	return s.eachUnused(ctx, unusedSince, removeUnused)
}

// Unused returns how many bytes Prune would free, about. It removes nothing.
func (s *Store) Unused(ctx context.Context, unusedSince time.Time) (bytes int64, err error) {
	return s.eachUnused(ctx, unusedSince, func(path string, _ *os.File) (int64, error) { return sizeOf(path) })
}

// eachUnused calls do for everything that is unused, with its lock held, and adds
// up what it returns.
func (s *Store) eachUnused(ctx context.Context, unusedSince time.Time, do func(path string, lock *os.File) (int64, error)) (bytes int64, err error) {
	var errs []error
	for _, lockPath := range s.list(lockSuffix) {
		if err := ctx.Err(); err != nil {
			return bytes, err
		}
		n, err := ifUnused(strings.TrimSuffix(lockPath, lockSuffix), unusedSince, do)
		bytes += n
		if err != nil && !errors.Is(err, errBusy) {
			errs = append(errs, err)
		}
	}
	return bytes, errors.Join(errs...)
}

func ifUnused(path string, unusedSince time.Time, do func(path string, lock *os.File) (int64, error)) (int64, error) {
	old := func() bool {
		info, err := os.Lstat(path + lockSuffix)
		return err == nil && info.ModTime().Before(unusedSince)
	}
	if !old() {
		return 0, nil
	}
	lock, err := tryLock(path, unix.LOCK_EX)
	if err != nil {
		return 0, err
	}
	defer lock.Close()
	if !old() {
		return 0, nil
	}
	return do(path, lock)
}

// sizeOf is the space that a directory takes. What has several names counts
// once.
func sizeOf(dir string) (bytes int64, err error) {
	seen := map[uint64]bool{}
	err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		var st unix.Stat_t
		if err == nil {
			err = unix.Lstat(path, &st)
		}
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return nil
		}
		if err == nil && !seen[st.Ino] {
			seen[st.Ino] = true
			bytes += st.Blocks * 512
		}
		return err
	})
	return bytes, err
}

func removeUnused(path string, lock *os.File) (int64, error) {
	temp := path + tempSuffix
	left, err := removeAll(temp)
	if err != nil {
		return left, err
	}
	// Under its own name a directory is always whole.
	if err := os.Rename(path, temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return left, err
	}
	freed, err := removeAll(temp)
	if err == nil {
		err = os.Remove(lock.Name())
	}
	return left + freed, err
}
