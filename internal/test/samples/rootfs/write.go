package rootfs

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"time"
)

// modTime is what every entry gets, as the lifecycle does for its own layers.
func modTime() time.Time { return time.Unix(315532801, 0).UTC() }

// Write writes the entries as a tar stream in the order of their names, with
// one fixed modification time: the same entries give the same bytes.
func (f *FS) Write(w io.Writer) error {
	tw := tar.NewWriter(w)
	links := map[linkKey]string{}
	for _, name := range slices.Sorted(maps.Keys(f.entries)) {
		e := f.entries[name]
		header := e.header(name)
		if e.mode.IsRegular() && e.size > 0 {
			key := linkKey{e.content, e.mode, e.owner}
			if first, ok := links[key]; ok {
				header.Typeflag, header.Linkname, header.Size = tar.TypeLink, first, 0
			} else {
				links[key] = name
			}
		}
		if err := tw.WriteHeader(header); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if _, err := io.Copy(tw, io.NewSectionReader(e.content, 0, e.size)); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return tw.Close()
}

// linkKey is what two names must share to be one file.
type linkKey struct {
	content io.ReaderAt
	mode    fs.FileMode
	owner   Owner
}

func (e *entry) header(name string) *tar.Header {
	h := &tar.Header{
		Name: name, Uid: e.owner.UID, Gid: e.owner.GID,
		Mode: int64(e.mode.Perm()), ModTime: modTime(), Format: tar.FormatPAX,
	}
	for _, special := range []struct {
		bit fs.FileMode
		tar int64
	}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}} {
		if e.mode&special.bit != 0 {
			h.Mode |= special.tar
		}
	}
	switch {
	case e.mode.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, name+"/"
	case e.mode&fs.ModeSymlink != 0:
		h.Typeflag, h.Linkname = tar.TypeSymlink, e.link
	default:
		h.Typeflag, h.Size = tar.TypeReg, e.size
	}
	return h
}
