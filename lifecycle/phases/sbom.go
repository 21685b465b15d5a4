package phases

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Files that export leaves in the volume of the state.
const (
	// ReportFile is report.toml (CNB Platform specification).
	ReportFile = "report.toml"
	// SBOMFile is a tar archive of the directory sbom below the layers, if it
	// was asked for and there is one.
	SBOMFile = "sbom.tar"
)

// archiveSBOM puts what buildpacks and lifecycle say the image is made of into
// one file, because engines can fetch only files. Buildpacks may have left
// anything there: links and the like stay out.
func (j *job) archiveSBOM() (err error) {
	root, err := os.OpenRoot(j.Paths.Layers)
	if err != nil {
		return err
	}
	defer root.Close()
	if info, err := root.Lstat("sbom"); err != nil || !info.IsDir() {
		return nil // no buildpack said anything
	}
	file, err := os.Create(filepath.Join(j.Paths.State, SBOMFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	archive := tar.NewWriter(file)
	err = fs.WalkDir(root.FS(), "sbom", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: path.Clean(name) + "/", Mode: 0o755})
		case !entry.Type().IsRegular():
			return nil
		}
		return archiveFile(archive, root, name)
	})
	return errors.Join(err, archive.Close())
}

func archiveFile(archive *tar.Writer, root *os.Root, name string) error {
	file, err := root.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: info.Size(), ModTime: info.ModTime()}); err != nil {
		return err
	}
	_, err = io.CopyN(archive, file, info.Size())
	return err
}
