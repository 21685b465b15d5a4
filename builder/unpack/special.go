package unpack

import (
	"archive/tar"
	"errors"
	"fmt"
	"path"
	"syscall"

	"golang.org/x/sys/unix"
)

// special makes what is neither file nor directory nor hard link.
func (t *tree) special(parent int, base string, hdr *tar.Header, a *attrs) error {
	if hdr.Typeflag == tar.TypeSymlink && t.keep != nil && t.linked(parent, base, hdr.Linkname) {
		return nil
	}
	err := t.replace(parent, base, func() error { return t.node(parent, base, hdr) })
	var skip *skipError
	if errors.As(err, &skip) {
		t.notes[skip.what]++
		return nil
	}
	if err != nil {
		return err
	}
	if a.chown && !t.creator(a) {
		if err := unix.Fchownat(parent, base, a.uid, a.gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return fmt.Errorf("change owner to %d:%d: %w", a.uid, a.gid, err)
		}
	}
	if hdr.Typeflag != tar.TypeSymlink { // which has no mode
		if err := unix.Fchmodat(parent, base, a.mode, 0); err != nil {
			return fmt.Errorf("change mode: %w", err)
		}
	}
	for name, value := range a.xattrs {
		// There is no call for an entry of an open directory before Linux 6.13.
		path := fmt.Sprintf("/proc/self/fd/%d/%s", parent, base)
		err := unix.Lsetxattr(path, name, []byte(value), 0)
		if errors.Is(err, syscall.ENOENT) { // no /proc
			err = syscall.ENOTSUP
		}
		if err := t.noteXattr(name, err); err != nil {
			return err
		}
	}
	return unix.UtimesNanoAt(parent, base, a.times(), unix.AT_SYMLINK_NOFOLLOW)
}

// linked tells whether a symbolic link need not be made: it is there already, or
// would lead to itself, because what are two directories in the image are one
// here.
func (t *tree) linked(parent int, base, target string) bool {
	var buf [unix.PathMax]byte
	if n, err := unix.Readlinkat(parent, base, buf[:]); err == nil && string(buf[:n]) == target {
		return true
	}
	dir, last := splitLast(path.Join(map[bool]string{true: "/", false: "/" + t.parents.path}[path.IsAbs(target)], target)[1:])
	if last != base {
		return false
	}
	_, err := t.targets.to(dir)
	return err == nil && t.targets.path == t.parents.path
}

// skipError says that an entry is left out on purpose.
type skipError struct{ what string }

func (e *skipError) Error() string { return "skipped " + e.what }

func (t *tree) node(parent int, base string, hdr *tar.Header) error {
	var format uint32
	switch hdr.Typeflag {
	case tar.TypeSymlink:
		t.relinked()
		return unix.Symlinkat(hdr.Linkname, parent, base)
	case tar.TypeFifo:
		return unix.Mknodat(parent, base, unix.S_IFIFO|0o600, 0)
	case tar.TypeChar:
		format = unix.S_IFCHR
	case tar.TypeBlock:
		format = unix.S_IFBLK
	}
	if hdr.Devmajor < 0 || hdr.Devmajor >= 1<<12 || hdr.Devminor < 0 || hdr.Devminor >= 1<<20 {
		return fmt.Errorf("device %d:%d is out of range", hdr.Devmajor, hdr.Devminor)
	}
	dev := unix.Mkdev(uint32(hdr.Devmajor), uint32(hdr.Devminor))
	if format == unix.S_IFCHR && dev == 0 {
		return &skipError{"device 0:0, which would be an overlay whiteout"}
	}
	if !t.root {
		return &skipError{"device node, which only root can make"}
	}
	err := unix.Mknodat(parent, base, format|0o600, int(dev))
	if errors.Is(err, syscall.EPERM) {
		return &skipError{"device node, which this process may not make"}
	}
	return err
}
