package unpack

import (
	"archive/tar"
	"errors"
	"fmt"
	"math"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// attrs is what an inode has apart from its content.
type attrs struct {
	mode     uint32 // permissions with setuid, setgid and sticky
	uid, gid int
	chown    bool
	atime    time.Time
	mtime    time.Time
	xattrs   map[string]string
}

// xattrPrefix precedes the name of an extended attribute in a PAX record.
const xattrPrefix = "SCHILY.xattr."

// attrs returns what the header says, owners mapped and attributes that an
// image must not set left out.
func (t *tree) attrs(hdr *tar.Header) (attrs, error) {
	a := attrs{mode: uint32(hdr.Mode & 0o7777), mtime: hdr.ModTime, atime: hdr.AccessTime}
	if a.atime.IsZero() {
		a.atime = a.mtime
	}
	for record, value := range hdr.PAXRecords {
		name, ok := strings.CutPrefix(record, xattrPrefix)
		if !ok || !settable(name) {
			continue
		}
		if a.xattrs == nil {
			a.xattrs = map[string]string{}
		}
		a.xattrs[name] = value
	}
	return a, t.own(&a, hdr.Uid, hdr.Gid)
}

// implicit are the attributes of a directory that the archive does not list.
func (t *tree) implicit() (attrs, error) {
	a := attrs{mode: 0o755, mtime: time.Unix(0, 0), atime: time.Unix(0, 0)}
	return a, t.own(&a, 0, 0)
}

// own sets the owner on disk.
func (t *tree) own(a *attrs, uid, gid int) error {
	a.uid, a.gid, a.chown = uid, gid, t.root
	if t.owner != nil {
		a.uid, a.gid, a.chown = t.owner(uid, gid)
	}
	// The highest ID means "leave it" to chown(2).
	if a.chown && (a.uid < 0 || a.uid >= math.MaxUint32 || a.gid < 0 || a.gid >= math.MaxUint32) {
		return fmt.Errorf("owner %d:%d is out of range", a.uid, a.gid)
	}
	return nil
}

// settable tells whether an image may set an extended attribute. It never may
// where overlayfs would take it for a mark of its own.
func settable(name string) bool {
	switch {
	case strings.HasPrefix(name, "trusted.overlay."), strings.HasPrefix(name, "user.overlay."):
		return false
	case name == "security.capability",
		name == "system.posix_acl_access", name == "system.posix_acl_default":
		return true
	}
	return strings.HasPrefix(name, "user.") || strings.HasPrefix(name, "trusted.")
}

// times are for utimensat(2).
func (a *attrs) times() []unix.Timespec {
	return []unix.Timespec{timespec(a.atime), timespec(a.mtime)}
}

func timespec(t time.Time) unix.Timespec {
	// A time that the kernel's type cannot hold becomes the epoch.
	ts, _ := unix.TimeToTimespec(t)
	return ts
}

// finishFD sets everything but times on an open file or directory: the owner
// first, because changing it clears setuid bits and capabilities.
func (t *tree) finishFD(fd int, a *attrs) error {
	if a.chown && !t.creator(a) {
		if err := unix.Fchown(fd, a.uid, a.gid); err != nil {
			return fmt.Errorf("change owner to %d:%d: %w", a.uid, a.gid, err)
		}
	}
	for name, value := range a.xattrs {
		if err := t.noteXattr(name, unix.Fsetxattr(fd, name, []byte(value), 0)); err != nil {
			return err
		}
	}
	if err := unix.Fchmod(fd, a.mode); err != nil {
		return fmt.Errorf("change mode: %w", err)
	}
	return nil
}

// creator tells whether an entry that this process makes has the right owner
// from the start. A directory of the tree has its own owner and mode only at
// the end, so that new entries never take the group from it.
func (t *tree) creator(a *attrs) bool {
	return a.uid == t.euid && a.gid == t.egid
}

// noteXattr turns the refusal of an attribute, which neither the file system nor
// the user need be able to store, into a note.
func (t *tree) noteXattr(name string, err error) error {
	for _, refusal := range []error{syscall.EPERM, syscall.EACCES, syscall.ENOTSUP, syscall.EINVAL, syscall.ERANGE, syscall.E2BIG} {
		if errors.Is(err, refusal) {
			t.notes["attribute "+quote(name)]++
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("set attribute %s: %w", quote(name), err)
	}
	return nil
}
