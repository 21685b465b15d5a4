package rootfs

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Spool is a temporary file that holds the content of many files, so that an FS
// can be larger than memory.
type Spool struct {
	file *os.File
	size int64
}

// NewSpool makes a spool in dir. The caller closes it when no FS that was
// filled through it is needed any more.
func NewSpool(dir string) (*Spool, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "spool-*")
	if err != nil {
		return nil, err
	}
	// Nobody needs its name: without one it cannot be left behind.
	return &Spool{file: f}, os.Remove(f.Name())
}

// Close gives the space back.
func (s *Spool) Close() error { return s.file.Close() }

// Unpack adds the entries of a tar stream to f. rename gives each entry's path
// (and the path that a hard link names) its place, or "" to leave it out.
// Devices, which no package brings, are an error.
func (s *Spool) Unpack(f *FS, archive io.Reader, rename func(string) string) error {
	tr := tar.NewReader(archive)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := rename(clean(h.Name))
		if name == "" {
			continue
		}
		if err := s.add(f, name, h, tr, rename); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

func (s *Spool) add(f *FS, name string, h *tar.Header, content io.Reader, rename func(string) string) error {
	// FileInfo translates the set-id and sticky bits; the type is in Typeflag.
	mode := h.FileInfo().Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
	owner := Owner{h.Uid, h.Gid}
	switch h.Typeflag {
	case tar.TypeDir:
		f.Dir(name, mode, owner)
	case tar.TypeSymlink:
		f.Symlink(name, h.Linkname)
	case tar.TypeLink:
		if !f.Link(name, rename(clean(h.Linkname))) {
			return fmt.Errorf("hard link to %s, which is not there", h.Linkname)
		}
	case tar.TypeReg:
		n, err := io.Copy(io.NewOffsetWriter(s.file, s.size), content)
		if err != nil {
			return err
		}
		f.FileAt(name, mode, owner, io.NewSectionReader(s.file, s.size, n), n)
		s.size += n
	default:
		return fmt.Errorf("entry of type %q", h.Typeflag)
	}
	return nil
}
