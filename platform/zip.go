package platform

import (
	"archive/tar"
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
)

// maxLink is how long the target of a symbolic link can be.
const maxLink = 4096

// isZip reports whether a file is a zip archive: a zip, jar or war.
func isZip(file string) bool {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return false
	}
	return archive.Close() == nil
}

// zipArchive holds everything in a zip file that keep wants, with the modes and
// times it has there. Where the zip knows no modes, everything is for everybody,
// as in pack.
func zipArchive(file string, keep func(path string, dir bool) bool, odd *oddFiles) archiver {
	return func(ctx context.Context, archive *tar.Writer) error {
		source, err := zip.OpenReader(file)
		if err != nil {
			return fmt.Errorf("read application source: %s: %w", file, err)
		}
		defer source.Close()
		for _, entry := range source.File {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := addZipped(archive, entry, keep, odd); err != nil {
				return fmt.Errorf("read application source: %s: %q: %w", file, entry.Name, err)
			}
		}
		return nil
	}
}

func addZipped(archive *tar.Writer, entry *zip.File, keep func(path string, dir bool) bool, odd *oddFiles) error {
	name := path.Clean(strings.ReplaceAll(entry.Name, `\`, "/"))
	mode := entry.Mode()
	switch {
	case !filepath.IsLocal(name):
		return errors.New("the name leads out of the archive")
	case name == "." || !keep(name, mode.IsDir()):
		return nil
	case odd.left.Skip(name, mode):
		return nil
	}
	content, err := entry.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	var link string
	if mode.Type() == fs.ModeSymlink {
		target, err := io.ReadAll(io.LimitReader(content, maxLink))
		if err != nil {
			return err
		}
		link = string(target)
	}
	header, err := tar.FileInfoHeader(entry.FileInfo(), link)
	if err != nil {
		return err
	}
	header.Name, header.Format = name, tar.FormatPAX
	if fromFAT(entry) {
		header.Mode = 0o777
	}
	odd.open(header)
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	if mode.IsRegular() {
		_, err = io.Copy(archive, content)
	}
	return err
}

// fromFAT reports whether an entry comes from a file system without modes (the
// upper byte of "version made by": 0 is FAT, 14 is VFAT). So do jar files.
func fromFAT(entry *zip.File) bool {
	system := entry.CreatorVersion >> 8
	return system == 0 || system == 14
}
