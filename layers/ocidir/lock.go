package ocidir

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// errLocked says that somebody else holds a lock.
var errLocked = errors.New("locked")

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
		if err == nil || !errors.Is(err, errLocked) {
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
	err = flock(lock)
	if err == nil && !linked(root, lock, lockName) {
		err = errLocked // its holder removed the file between the two steps
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

// flock locks a file without waiting. flock(2) treats goroutines that have
// opened it themselves like processes, and a process that dies lets go of it.
func flock(file *os.File) error {
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return errLocked
		case err != nil:
			return &os.PathError{Op: "flock", Path: file.Name(), Err: err}
		default:
			return nil
		}
	}
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
