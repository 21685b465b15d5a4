package unpack

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Every directory of the store has a lock file beside it. To fill, remove or sweep
// the directory is to hold the lock exclusively; to use the directory is to share
// the lock. Its modification time is when the directory was last asked for. flock
// treats goroutines like processes, and a process that dies lets go of it.

// errBusy says that somebody else holds a lock.
var errBusy = errors.New("locked")

// hold makes sure that path exists and stays. If it does not exist, or is damaged,
// fill gets a temporary directory, and what it puts there appears at path when fill returns
// nil; when it does not, nothing remains.
func (s *Store) hold(ctx context.Context, path string, fill func(temp string) error) error {
	const longest = 100 * time.Millisecond
	for wait := time.Millisecond; ; wait = min(2*wait, longest) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.holds(path) {
			return nil
		}
		lock, err := lockFilled(path, fill)
		if err == nil {
			s.keep(path, lock)
			return nil
		}
		if full(err) {
			return &DirError{Dir: s.dir, err: err}
		}
		if !errors.Is(err, errBusy) {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// lockFilled returns a shared lock on path, filled if it was not, or does not fit
// its record any more. The error is errBusy when somebody else is at it.
func lockFilled(path string, fill func(temp string) error) (*os.File, error) {
	how := unix.LOCK_SH
	if !exists(path) {
		how = unix.LOCK_EX
	}
	lock, err := tryLock(path, how)
	if err != nil {
		return nil, err
	}
	if how == unix.LOCK_SH && !fits(path, lock) {
		// Who else has it open goes on with what is there; nobody else begins to.
		how = unix.LOCK_EX
		if err := flock(lock, how); err != nil {
			lock.Close()
			return nil, err
		}
	}
	if how == unix.LOCK_EX {
		if !exists(path) || !fits(path, lock) {
			err = fillTemp(path, lock, fill)
		}
		if err == nil {
			err = flock(lock, unix.LOCK_SH)
		}
	}
	// Going from exclusive to shared is not atomic: Prune may have come between.
	if err == nil && !(exists(path) && linked(lock, path+lockSuffix)) {
		err = errBusy
	}
	if err == nil {
		now := time.Now()
		if err = os.Chtimes(lock.Name(), now, now); ReadOnly(err) {
			err = nil
		}
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

func fillTemp(path string, lock *os.File, fill func(temp string) error) error {
	// Temporary directories lie beside the final ones: moving a directory to
	// another parent would need write permission on the directory itself, and
	// images have read-only root directories.
	temp := path + tempSuffix
	if _, err := removeAll(temp); err != nil {
		return err
	}
	if err := os.Mkdir(temp, 0o700); err != nil {
		return err
	}
	err := fill(temp)
	if err == nil {
		var text string
		if text, err = record(temp); err == nil {
			err = writeRecord(lock, text)
		}
	}
	if err == nil {
		_, err = removeAll(path) // what is damaged
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		if _, rest := removeAll(temp); rest != nil {
			return errors.Join(err, rest)
		}
	}
	return err
}

// tryLock locks the lock file of path without waiting.
func tryLock(path string, how int) (*os.File, error) {
	lock, err := os.OpenFile(path+lockSuffix, os.O_RDWR|os.O_CREATE, 0o600)
	if ReadOnly(err) {
		// What is there can still be used.
		if there, readErr := os.Open(path + lockSuffix); readErr == nil {
			lock, err = there, nil
		}
	}
	if err != nil {
		return nil, err
	}
	err = flock(lock, how)
	if err == nil && !linked(lock, path+lockSuffix) {
		err = errBusy // Prune removed the file between the two steps
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

func flock(lock *os.File, how int) error {
	err := retryEINTR(func() error { return unix.Flock(int(lock.Fd()), how|unix.LOCK_NB) })
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errBusy
	}
	if err != nil {
		return &os.PathError{Op: "flock", Path: lock.Name(), Err: err}
	}
	return nil
}

// linked tells whether path still leads to the open file.
func linked(file *os.File, path string) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(open, named)
}

func (s *Store) holds(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[path] != nil
}

func (s *Store) keep(path string, lock *os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[path] != nil {
		lock.Close()
		return
	}
	s.held[path] = lock
}

// sweep removes temporary directories that nobody is filling. What cannot be
// removed stays; it is in nobody's way.
func (s *Store) sweep() {
	for _, temp := range s.list(tempSuffix) {
		lock, err := tryLock(strings.TrimSuffix(temp, tempSuffix), unix.LOCK_EX)
		if err != nil {
			continue
		}
		_, _ = removeAll(temp)
		lock.Close()
	}
}

// list returns the paths in the store that end in suffix.
func (s *Store) list(suffix string) []string {
	var paths []string
	for k := range s.forms {
		dir := s.dir + "/" + string(k)
		entries, _ := os.ReadDir(dir)
		for _, entry := range entries {
			if strings.HasSuffix(entry.Name(), suffix) {
				paths = append(paths, dir+"/"+entry.Name())
			}
		}
	}
	return paths
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
