package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/pack-cache/pack-cache/internal/posix"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// Form says how a tree becomes an archive.
type Form struct {
	// LayersDir is the layers directory, Prefix the absolute path that stands for it
	// in the entries' names.
	LayersDir, Prefix string
	// Dir is the layer's directory below it.
	Dir string
	// Normalized gives every entry the lifecycle's modification time and
	// describes the directories above as they are on disk, byte for byte as
	// the lifecycle does. Otherwise times are kept to the nanosecond, and what
	// is above the layer does not show.
	Normalized bool
	// UID and GID own all entries.
	UID, GID int
	// Parent, if not nil, edits what is said of a directory above.
	Parent func(*tar.Header)
}

// epoch is the time of the directories above a layer that keeps its times. A
// reader knows by it that the times of this archive mean something.
var epoch = time.Unix(0, 0)

// header is the entry of the archive for e.
func (f *Form) header(e *entry, link string) *tar.Header {
	h := &tar.Header{
		Name:     path.Join(f.Prefix, f.Dir, e.path),
		Linkname: link,
		Mode:     int64(e.mode & 0o7777),
		Uid:      f.UID,
		Gid:      f.GID,
		ModTime:  NormalizedTime,
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
	if !f.Normalized {
		h.ModTime = time.Unix(e.mtime.Unix())
		h.Format = tar.FormatPAX
	}
	return h
}

// parents are the entries for the directories above the layer, outermost first.
func (f *Form) parents() ([]*tar.Header, error) {
	var headers []*tar.Header
	dir := path.Dir(path.Join(f.Prefix, f.Dir))
	for ; dir != "/" && dir != "."; dir = path.Dir(dir) {
		h := &tar.Header{
			Name: dir, Typeflag: tar.TypeDir, Mode: 0o755,
			Uid: f.UID, Gid: f.GID, ModTime: epoch, Format: tar.FormatPAX,
		}
		if f.Normalized {
			if err := f.describe(h); err != nil {
				return nil, err
			}
		}
		headers = append([]*tar.Header{h}, headers...)
	}
	return headers, nil
}

// describe fills in what is on disk. Directories above a layers directory that
// is called otherwise here than in the archive are root's.
func (f *Form) describe(h *tar.Header) error {
	h.Format, h.ModTime = tar.FormatUnknown, NormalizedTime
	here := h.Name
	if below, ok := strings.CutPrefix(h.Name+"/", f.Prefix+"/"); ok {
		here = filepath.Join(f.LayersDir, below)
	} else if f.Prefix != f.LayersDir {
		h.Uid, h.Gid = 0, 0
		return nil
	}
	var st posix.Stat_t
	if err := posix.Stat(here, &st); err != nil {
		return &os.PathError{Op: "stat", Path: here, Err: err}
	}
	h.Mode, h.Uid, h.Gid = int64(st.Mode&0o7777), int(st.Uid), int(st.Gid)
	if f.Parent != nil {
		f.Parent(h)
	}
	return nil
}

// Tree is a layer's tree as it was listed. It is not safe for concurrent use, and has
// to be closed.
type Tree struct {
	form    Form
	entries []entry
	root    *os.File
}

// List lists the tree of a layer that is to become an archive of a form. It refuses
// a tree of which no build would restore the archive.
func List(form Form) (*Tree, error) {
	entries, root, err := listTree(filepath.Join(form.LayersDir, form.Dir))
	if err != nil {
		return nil, err
	}
	if err := restorable(form.Prefix+"/"+form.Dir, entries); err != nil {
		root.Close()
		return nil, err
	}
	return &Tree{form, entries, root}, nil
}

// Close closes the layer's directory.
func (a *Tree) Close() error { return a.root.Close() }

// WriteArchive writes the archive. It may be called several times.
func (a *Tree) WriteArchive(w *blob.Writer) error {
	parents, err := a.form.parents()
	if err != nil {
		return err
	}
	var buffer bytes.Buffer
	for _, h := range parents {
		if err := writeHeader(w, &buffer, h); err != nil {
			return err
		}
	}
	stack := newDirStack(int(a.root.Fd()))
	defer stack.close()
	for i := range a.entries {
		if err := a.writeEntry(w, &buffer, &a.entries[i], stack); err != nil {
			return err
		}
	}
	return WriteEnd(w)
}

// WriteEnd writes the end of an archive: two blocks of zeros. That alone is an empty
// archive.
func WriteEnd(w *blob.Writer) error {
	_, err := w.Write(make([]byte, 2*tarBlock))
	return err
}

// tarBlock is the unit of a tar archive in bytes.
const tarBlock = 512

func (a *Tree) writeEntry(w *blob.Writer, buffer *bytes.Buffer, e *entry, stack *dirStack) error {
	switch {
	case e.isSocket():
		return nil
	case e.isDir():
		return writeHeader(w, buffer, a.form.header(e, ""))
	case !e.isRegular() && !e.isSymlink():
		return fmt.Errorf("%q is a device or a pipe, which a cache cannot hold", e.path)
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
		return writeHeader(w, buffer, a.form.header(e, link))
	}
	return a.writeFile(w, buffer, e, fd, base)
}

func (a *Tree) writeFile(w *blob.Writer, buffer *bytes.Buffer, e *entry, dir int, base string) error {
	file, err := openFile(dir, base, e)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := writeHeader(w, buffer, a.form.header(e, "")); err != nil {
		return err
	}
	if err := w.Fill(file, e.size); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%q became shorter while it was read", e.path)
		}
		return err
	}
	_, err = w.Write(make([]byte, -e.size&(tarBlock-1)))
	return err
}

// writeHeader writes what precedes an entry's content, in one frame with the
// content if that is small. A tar.Writer of its own for each header leaves the
// content to us, without a copy.
func writeHeader(w *blob.Writer, buffer *bytes.Buffer, h *tar.Header) error {
	buffer.Reset()
	if err := tar.NewWriter(buffer).WriteHeader(h); err != nil {
		return fmt.Errorf("%q: %w", h.Name, err)
	}
	if err := w.Fit(int64(buffer.Len()) + h.Size); err != nil {
		return err
	}
	_, err := w.Write(buffer.Bytes())
	return err
}

// openFile opens a regular file that was listed as e.
func openFile(dir int, base string, e *entry) (fdReader, error) {
	fd, err := openAt(dir, base, posix.O_RDONLY|posix.O_NONBLOCK, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: e.path, Err: err}
	}
	var st posix.Stat_t
	if err := posix.Fstat(fd, &st); err != nil {
		posix.Close(fd)
		return -1, &os.PathError{Op: "stat", Path: e.path, Err: err}
	}
	if st.Ino != e.inode || st.Size != e.size || uint32(st.Mode) != e.mode {
		posix.Close(fd)
		return -1, fmt.Errorf("%q changed while it was read", e.path)
	}
	return fdReader(fd), nil
}

func readLink(dir int, base string) (string, error) {
	for size := 256; ; size *= 2 {
		buffer := make([]byte, size)
		n, err := posix.Readlinkat(dir, base, buffer)
		if err != nil {
			return "", err
		}
		if n < size {
			return string(buffer[:n]), nil
		}
	}
}
