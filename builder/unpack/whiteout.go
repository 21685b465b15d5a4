package unpack

import (
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Names of the OCI image specification (layer.md, "Whiteouts"). Everything else
// below metaPrefix is left from AUFS and means nothing.
const (
	whiteoutPrefix = ".wh."
	metaPrefix     = ".wh..wh."
	opaqueName     = ".wh..wh..opq"
)

// mark carries out the entry base of dir if it is a whiteout, and tells whether
// it was one.
func (t *tree) mark(dir, base string) (bool, error) {
	if strings.Contains("/"+dir, "/"+metaPrefix) {
		return true, nil
	}
	hidden, ok := strings.CutPrefix(base, whiteoutPrefix)
	switch {
	case !ok:
		return false, nil
	case base == opaqueName:
		return true, t.hideContent(dir)
	case strings.HasPrefix(base, metaPrefix):
		return true, nil
	case hidden == "", hidden == ".", hidden == "..":
		return true, errors.New("a whiteout without a name")
	}
	return true, t.hide(dir, hidden)
}

// hide makes what lower layers have under a name invisible.
func (t *tree) hide(dir, base string) error {
	if t.marks == noMarks {
		return t.removeLower(dir, base)
	}
	parent, err := t.parents.to(dir)
	if err != nil {
		return err
	}
	var st unix.Stat_t
	err = unix.Fstatat(parent, base, &st, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, syscall.ENOENT) {
		return markError(unix.Mknodat(parent, base, unix.S_IFCHR, 0))
	}
	// What this layer has hides a lower file anyway, and a lower directory if it
	// says so.
	if err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		err = t.opaque(parent, base)
	}
	return err
}

// hideContent makes what lower layers have in a directory invisible.
func (t *tree) hideContent(dir string) error {
	if t.marks == noMarks {
		return t.removeLowerContent(dir)
	}
	fd, err := t.parents.to(dir)
	if err != nil {
		return err
	}
	return t.opaque(fd, ".")
}

// opaque marks a directory.
func (t *tree) opaque(parent int, base string) error {
	if t.marks == noMarks {
		return nil
	}
	fd, err := openDir(parent, base)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return markError(unix.Fsetxattr(fd, opaqueXattr(t.marks), []byte("y"), 0))
}

func opaqueXattr(m marks) string {
	if m == userMarks {
		return "user.overlay.opaque"
	}
	return "trusted.overlay.opaque"
}

// markError makes a refusal to store a mark an ErrNoWhiteouts.
func markError(err error) error {
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("%w: %w", ErrNoWhiteouts, err)
	}
	return err
}

func isWhiteout(st *unix.Stat_t) bool {
	return st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == 0
}

// canMark returns an ErrNoWhiteouts when the file system of the store refuses
// the marks. It finds out by doing.
func (s *Store) canMark(m marks) error {
	dir := filepath.Join(s.dir, string(layerKind))
	fd, err := openDir(unix.AT_FDCWD, dir)
	if err != nil {
		return &DirError{Dir: s.dir, err: err}
	}
	defer unix.Close(fd)
	name := "probe-" + rand.Text()
	err = unix.Mknodat(fd, name, unix.S_IFCHR, 0)
	if err == nil {
		err = unix.Unlinkat(fd, name, 0)
	}
	if err == nil {
		// The directory of all layers is never a layer itself.
		err = unix.Fsetxattr(fd, opaqueXattr(m), []byte("y"), 0)
	}
	if err != nil {
		return &DirError{Dir: s.dir, err: markError(err)}
	}
	return nil
}

// allOpaque tells whether a layer hides everything below it.
func allOpaque(path string, m marks) bool {
	var value [1]byte
	n, err := unix.Lgetxattr(path, opaqueXattr(m), value[:])
	return err == nil && n == 1 && value[0] == 'y'
}
