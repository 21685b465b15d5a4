package docker

import (
	"archive/tar"
	"errors"
	"io"
	"path"

	"github.com/pack-cache/pack-cache/internal/tarfile"
)

// Names in the archive that a daemon builds from.
const (
	// dockerfileName is nothing that an application has.
	dockerfileName = ".pack-cache.Dockerfile"
	ignoreName     = ".dockerignore"
)

// writeContext writes what the daemon builds from: the files of an archive and a
// Dockerfile. Instructions see neither the Dockerfile nor, where there was none, a
// .dockerignore.
func writeContext(w io.Writer, files io.Reader, dockerfile []byte) error {
	archive := tar.NewWriter(w)
	var ignore []byte
	ignoring := false
	for from := tar.NewReader(files); ; {
		header, err := from.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch path.Clean(header.Name) {
		case ignoreName:
			if header.Typeflag != tar.TypeReg {
				return errors.New(ignoreName + " is not a regular file")
			}
			if ignore, err = io.ReadAll(from); err != nil {
				return err
			}
			ignoring = true
			continue
		case dockerfileName:
			continue
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.Copy(archive, from); err != nil {
			return err
		}
	}
	ignore = append(ignore, "\n"+dockerfileName+"\n"...)
	if !ignoring {
		ignore = append(ignore, ignoreName+"\n"...)
	}
	for name, content := range map[string][]byte{ignoreName: ignore, dockerfileName: dockerfile} {
		if err := tarfile.Add(archive, tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, content); err != nil {
			return err
		}
	}
	return archive.Close()
}
