package unpack

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Prune removes what was last asked for before unusedSince and is in use by no
// Store of any process, this one included. It returns the bytes that were
// freed, also with an error; the error joins those of what could not be
// removed.
func (s *Store) Prune(ctx context.Context, unusedSince time.Time) (freedBytes int64, err error) {
	var errs []error
	for _, lockPath := range s.list(lockSuffix) {
		if err := ctx.Err(); err != nil {
			return freedBytes, err
		}
		n, err := pruneOne(strings.TrimSuffix(lockPath, lockSuffix), unusedSince)
		freedBytes += n
		if err != nil && !errors.Is(err, errBusy) {
			errs = append(errs, err)
		}
	}
	return freedBytes, errors.Join(errs...)
}

func pruneOne(path string, unusedSince time.Time) (int64, error) {
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
