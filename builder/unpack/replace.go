package unpack

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// replace calls create, once more after removing what was in its way.
func (t *tree) replace(parent int, base string, create func() error) error {
	err := create()
	if !errors.Is(err, syscall.EEXIST) {
		return err
	}
	if err := t.remove(parent, base); err != nil {
		return err
	}
	return create()
}

// stays tells whether a symbolic link that was there before cannot be replaced
// by a directory. What goes there goes where it leads to.
func (t *tree) stays(st *unix.Stat_t, err error) bool {
	return t.keep != nil && st.Mode&unix.S_IFMT == unix.S_IFLNK && (errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM))
}

// remove removes an entry, of whatever type, of the directory that the walker
// parents is in, whose own open directories therefore all stay good.
func (t *tree) remove(parent int, base string) error {
	t.relinked()
	err := unix.Unlinkat(parent, base, 0)
	if err == nil || errors.Is(err, syscall.ENOENT) {
		return nil
	}
	t.targets.reset()
	_, err = removeTree(parent, base)
	return err
}

// relinked makes the walkers resolve symbolic links anew.
func (t *tree) relinked() {
	t.parents.fresh = false
	t.targets.fresh = false
}
