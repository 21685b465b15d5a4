package unpack

import (
	"archive/tar"
	"bytes"
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
