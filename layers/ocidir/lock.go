package ocidir

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/pack-cache/pack-cache/internal/posix"
)

// locked runs do while no other writer is at index.json.
func locked(ctx context.Context, root *os.Root, do func() error) error {
	lock, err := waitLock(ctx, root)
	if err != nil {
		return err
	}
	defer lock.Close()
	defer root.Remove(lockName) // while it is held: who waits for it looks again
	return do()
}

// waitLock takes the lock, however long that takes.
func waitLock(ctx context.Context, root *os.Root) (*os.File, error) {
	const longest = 100 * time.Millisecond
	for wait := time.Millisecond; ; wait = min(2*wait, longest) {
		lock, err := tryLock(root)
		if err == nil || !errors.Is(err, posix.ErrLocked) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
	}
}

func tryLock(root *os.Root) (*os.File, error) {
	lock, err := root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	err = posix.TryLock(lock)
	if err == nil && !linked(root, lock, lockName) {
		err = posix.ErrLocked // its holder removed the file between the two steps
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

// linked tells whether name still leads to the open file.
func linked(root *os.Root, file *os.File, name string) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := root.Lstat(name)
	return err == nil && os.SameFile(open, named)
}
