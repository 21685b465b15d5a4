package unpack

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxSparse bounds a sparse file: its size is a mere claim, but its holes have to
// be read.
const maxSparse = 64 << 30

// regular writes a regular file, always as a new inode, so that other names of
// an earlier one keep their content.
func (t *tree) regular(parent int, base string, hdr *tar.Header, a *attrs, content io.Reader) error {
	fd := -1
	err := t.replace(parent, base, func() error {
		return retryEINTR(func() (err error) {
			fd, err = unix.Openat(parent, base, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
			return err
		})
	})
	if err != nil {
		return err
	}
	if isSparse(hdr) {
		err = t.copySparse(fd, hdr.Size, content)
	} else {
		err = t.copy(fd, content)
	}
	if err == nil {
		err = t.finishFD(fd, a)
	}
	// Some file systems say only here that there is no room.
	if cerr := unix.Close(fd); err == nil && !errors.Is(cerr, syscall.EINTR) {
		err = cerr
	}
	if err != nil {
		return err
	}
	return unix.UtimesNanoAt(parent, base, a.times(), unix.AT_SYMLINK_NOFOLLOW)
}

func (t *tree) copy(fd int, content io.Reader) error {
	for {
		n, err := content.Read(t.buf)
		if err := writeAll(fd, t.buf[:n]); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return &archiveError{err}
		}
	}
}

func writeAll(fd int, p []byte) error {
	for len(p) > 0 {
		n, err := unix.Write(fd, p)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return err
		}
		p = p[max(n, 0):]
	}
	return nil
}

func isSparse(hdr *tar.Header) bool {
	if hdr.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for _, record := range []string{"GNU.sparse.major", "GNU.sparse.map", "GNU.sparse.size"} {
		if hdr.PAXRecords[record] != "" {
			return true
		}
	}
	return false
}

// copySparse leaves holes where content has blocks of zeros.
func (t *tree) copySparse(fd int, size int64, content io.Reader) error {
	if size > maxSparse {
		return fmt.Errorf("a sparse file of %d bytes is too large", size)
	}
	if err := unix.Ftruncate(fd, size); err != nil {
		return err
	}
	const block = 4 << 10
	zeros := make([]byte, block)
	for offset := int64(0); ; {
		n, err := io.ReadFull(content, t.buf[:block])
		if data := t.buf[:n]; !bytes.Equal(data, zeros[:n]) {
			if _, err := unix.Seek(fd, offset, io.SeekStart); err != nil {
				return err
			}
			if err := writeAll(fd, data); err != nil {
				return err
			}
		}
		offset += int64(n)
		if offset == size && (err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
			return nil
		}
		if err != nil {
			return &archiveError{err}
		}
	}
}

// special makes what is neither file nor directory nor hard link.
func (t *tree) special(parent int, base string, hdr *tar.Header, a *attrs) error {
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

// hardLink links base to another entry of the tree, at the end of the layer if
// that has not come yet.
func (t *tree) hardLink(parent int, base string, l link) error {
	err := t.tryLink(parent, base, l.target)
	if !errors.Is(err, syscall.ENOENT) {
		return err
	}
	t.pending = append(t.pending, l)
	return t.remove(parent, base)
}

func (t *tree) tryLink(parent int, base, target string) error {
	clean, err := clean(target)
	if err == nil && clean == "" {
		err = syscall.EISDIR
	}
	if err == nil {
		dir, last := splitLast(clean)
		err = t.replace(parent, base, func() error {
			fd, err := t.targets.to(dir)
			if err != nil {
				return err
			}
			if last == base && t.targets.path == t.parents.path {
				var st unix.Stat_t // a link to itself is fine if it exists
				return unix.Fstatat(fd, last, &st, unix.AT_SYMLINK_NOFOLLOW)
			}
			return unix.Linkat(fd, last, parent, base, 0)
		})
	}
	if err != nil {
		return fmt.Errorf("link to %s: %w", quote(target), err)
	}
	return nil
}

// linkPending makes the links whose targets came after them.
func (t *tree) linkPending(ctx context.Context) error {
	for len(t.pending) > 0 {
		var left []link
		var missing error
		for _, l := range t.pending {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := t.linkLate(l)
			if errors.Is(err, syscall.ENOENT) {
				left, missing = append(left, l), fmt.Errorf("entry %s: %w", quote(l.name), err)
			} else if err != nil {
				return fmt.Errorf("entry %s: %w", quote(l.name), err)
			}
		}
		if len(left) == len(t.pending) {
			return missing
		}
		t.pending = left
	}
	return nil
}

func (t *tree) linkLate(l link) error {
	dir, base := splitLast(l.name)
	parent, err := t.parents.to(dir)
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if unix.Fstatat(parent, base, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
		return nil // a later entry took the name
	}
	return t.tryLink(parent, base, l.target)
}
