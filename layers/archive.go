package layers

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// archiveForm says how a tree becomes an archive.
type archiveForm struct {
	// prefix is the absolute path that stands for the layers directory in the
	// entries' names.
	prefix string
	// dir is the layer's directory below it.
	dir string
	// normalized gives every entry the lifecycle's modification time and
	// describes the directories above as they are on disk, byte for byte as
	// the lifecycle does. Otherwise times are kept to the nanosecond, and what
	// is above the layer does not show.
	normalized bool
	uid, gid   int
}

// epoch is the time of the directories above a layer that keeps its times. A
// reader knows by it that the times of this archive mean something.
var epoch = time.Unix(0, 0)

// header is the entry of the archive for e.
func (f *archiveForm) header(e *entry, link string) *tar.Header {
	h := &tar.Header{
		Name:     path.Join(f.prefix, f.dir, e.path),
		Linkname: link,
		Mode:     int64(e.mode & 0o7777),
		Uid:      f.uid,
		Gid:      f.gid,
		ModTime:  normalizedTime,
		Typeflag: tar.TypeReg,
	}
	switch {
	case e.isDir():
		h.Typeflag = tar.TypeDir
	case e.isSymlink():
		h.Typeflag = tar.TypeSymlink
	default:
		h.Size = e.size
	}
	if !f.normalized {
		h.ModTime = time.Unix(e.mtime.Unix())
		h.Format = tar.FormatPAX
	}
	return h
}

// parents are the entries for the directories above the layer, outermost first.
func (f *archiveForm) parents(layersDir string) ([]*tar.Header, error) {
	var headers []*tar.Header
	dir := path.Dir(path.Join(f.prefix, f.dir))
	for ; dir != "/" && dir != "."; dir = path.Dir(dir) {
		h := &tar.Header{
			Name: dir, Typeflag: tar.TypeDir, Mode: 0o755,
			Uid: f.uid, Gid: f.gid, ModTime: epoch, Format: tar.FormatPAX,
		}
		if f.normalized {
			if err := f.describe(h, layersDir); err != nil {
				return nil, err
			}
		}
		headers = append([]*tar.Header{h}, headers...)
	}
	return headers, nil
}

// describe fills in what is on disk. Directories above a layers directory that
// is called otherwise here than in the archive are root's.
func (f *archiveForm) describe(h *tar.Header, layersDir string) error {
	h.Format, h.ModTime = tar.FormatUnknown, normalizedTime
	here := h.Name
	if below, ok := strings.CutPrefix(h.Name+"/", f.prefix+"/"); ok {
		here = filepath.Join(layersDir, below)
	} else if f.prefix != layersDir {
		h.Uid, h.Gid = 0, 0
		return nil
	}
	var st unix.Stat_t
	if err := unix.Stat(here, &st); err != nil {
		return &os.PathError{Op: "stat", Path: here, Err: err}
	}
	h.Mode, h.Uid, h.Gid = int64(st.Mode&0o7777), int(st.Uid), int(st.Gid)
	return nil
}

// writeArchive writes the archive of the listed tree. root is its open
// directory.
func writeArchive(ctx context.Context, to io.Writer, form archiveForm, layersDir string, entries []entry, root *os.File) error {
	tw := tar.NewWriter(to)
	parents, err := form.parents(layersDir)
	if err != nil {
		return err
	}
	for _, h := range parents {
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
	}
	stack := newDirStack(int(root.Fd()))
	defer stack.close()
	for i := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := writeEntry(tw, form, &entries[i], stack); err != nil {
			return err
		}
	}
	return tw.Close()
}

func writeEntry(tw *tar.Writer, form archiveForm, e *entry, stack *dirStack) error {
	if e.isSocket() {
		return nil
	}
	if !e.isDir() && !e.isRegular() && !e.isSymlink() {
		return fmt.Errorf("%q is a device or a pipe, which a cache cannot hold", e.path)
	}
	if e.isDir() {
		return tw.WriteHeader(form.header(e, ""))
	}
	dir, base := splitPath(e.path)
	fd, err := stack.enter(dir)
	if err != nil {
		return err
	}
	if e.isSymlink() {
		link, err := readLink(fd, base)
		if err != nil {
			return fmt.Errorf("reading symbolic link %q: %w", e.path, err)
		}
		return tw.WriteHeader(form.header(e, link))
	}
	file, err := openFile(fd, base, e)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := tw.WriteHeader(form.header(e, "")); err != nil {
		return err
	}
	if n, err := io.Copy(tw, io.LimitReader(file, e.size)); err != nil {
		return fmt.Errorf("reading %q: %w", e.path, err)
	} else if n != e.size {
		return fmt.Errorf("%q changed while it was read", e.path)
	}
	return nil
}

// openFile opens a regular file that was listed as e.
func openFile(dir int, base string, e *entry) (*os.File, error) {
	fd, err := unix.Openat(dir, base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: e.path, Err: err}
	}
	file := os.NewFile(uintptr(fd), e.path)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		file.Close()
		return nil, &os.PathError{Op: "stat", Path: e.path, Err: err}
	}
	if st.Ino != e.inode || st.Size != e.size || uint32(st.Mode) != e.mode {
		file.Close()
		return nil, fmt.Errorf("%q changed while it was read", e.path)
	}
	return file, nil
}

func readLink(dir int, base string) (string, error) {
	for size := 256; ; size *= 2 {
		buffer := make([]byte, size)
		n, err := unix.Readlinkat(dir, base, buffer)
		if err != nil {
			return "", err
		}
		if n < size {
			return string(buffer[:n]), nil
		}
	}
}
