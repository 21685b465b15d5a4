package unpack

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/holes"
)

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
	step := holes.Step
	if isSparse(hdr) {
		step, err = holes.FineStep, t.checkSparse(hdr.Size)
	}
	if err == nil {
		err = t.copy(holes.NewWriter(fd, step), content)
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

// copy writes the content of a file. Zeros become holes.
func (t *tree) copy(to holes.Writer, content io.Reader) error {
	for {
		n, err := content.Read(t.buf)
		if _, err := to.Write(t.buf[:n]); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) {
			return to.Finish()
		}
		if err != nil {
			return &archiveError{err}
		}
	}
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

// checkSparse holds the size of a sparse file against the bounds: it is a mere
// claim, but the holes have to be read.
func (t *tree) checkSparse(size int64) error {
	if size > bounds.MaxSparse-t.sparse {
		return fmt.Errorf("a sparse file of %d bytes is too large", size)
	}
	t.sparse += size
	return nil
}
