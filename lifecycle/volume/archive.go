package volume

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
)

// Archive writes the directory at path in the volume at dir as a tar archive,
// with names relative to it. Links stay links, and what is neither file, link
// nor directory is left out. The error is fs.ErrNotExist when there is no such
// directory.
func Archive(w io.Writer, dir, path string) error {
	volume, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer volume.Close()
	root, err := volume.OpenRoot(path)
	if err != nil {
		return err
	}
	defer root.Close()
	archive := tar.NewWriter(w)
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		return archiveEntry(archive, root, name, entry)
	})
	return errors.Join(err, archive.Close())
}

func archiveEntry(archive *tar.Writer, root *os.Root, name string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	var target string
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		if target, err = root.Readlink(name); err != nil {
			return err
		}
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil
	}
	header, err := tar.FileInfoHeader(info, target)
	if err != nil {
		return err
	}
	header.Name, header.Uname, header.Gname = name, "", ""
	if info.IsDir() {
		header.Name += "/"
	}
	if err := archive.WriteHeader(header); err != nil || !info.Mode().IsRegular() {
		return err
	}
	file, err := root.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.CopyN(archive, file, info.Size())
	return err
}
