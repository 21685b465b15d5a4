package platform

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/userfile"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// checkArtifacts refuses directories that the SBOM or the report could not be
// written to when the build is over.
func (r *resolved) checkArtifacts() error {
	for _, to := range []struct{ flag, dir, inside string }{
		{"--report-output-dir", r.ReportDir, phases.ReportFile},
		{"--sbom-output-dir", r.SBOMDir, sbomPrefix},
	} {
		if to.dir == "" {
			continue
		}
		err := userfile.CheckDir(to.dir)
		if inside := filepath.Join(to.dir, to.inside); err == nil && to.inside == sbomPrefix {
			err = userfile.CheckDir(inside)
		} else if err == nil {
			err = userfile.CheckReplaceable(inside)
		}
		if err != nil {
			return hint.Usagef("name a directory that you may write to, or one that is not there yet", "%s: %v", to.flag, err)
		}
	}
	return nil
}

// sbomPrefix is the directory in which phases keep SBOMs.
const sbomPrefix = "sbom"

// fetchArtifacts copies the SBOM and the report of the export to where the user
// wants them. What is written there is the user's.
func (b *build) fetchArtifacts(ctx context.Context) error {
	if b.ReportDir != "" {
		if err := b.fetchReport(ctx); err != nil {
			return hint.Errorf("check that the directory can be written to", "the image was built, but --report-output-dir %s: %w", b.ReportDir, err)
		}
	}
	if b.SBOMDir != "" {
		if err := b.fetchSBOM(ctx); err != nil {
			return hint.Errorf("check that the directory can be written to", "the image was built, but --sbom-output-dir %s: %w", b.SBOMDir, err)
		}
	}
	return nil
}

func (b *build) fetchReport(ctx context.Context) error {
	report, err := b.place.Export(ctx, lifecycle.VolumeState, phases.ReportFile)
	if err != nil {
		return err
	}
	defer report.Close()
	if err := os.MkdirAll(b.ReportDir, 0o777); err != nil {
		return err
	}
	return writeFile(func() (*os.File, error) { return userfile.Create(filepath.Join(b.ReportDir, phases.ReportFile)) }, report)
}

// fetchSBOM copies the SBOM as pack does: into a directory sbom of one that is
// there, or to a new directory in place of it.
func (b *build) fetchSBOM(ctx context.Context) error {
	file, err := b.place.Export(ctx, lifecycle.VolumeState, phases.SBOMFile)
	if errors.Is(err, fs.ErrNotExist) {
		b.Progress.Warn("--sbom-output-dir: this build has no SBOM")
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	prefix := ""
	if _, err := os.Stat(b.SBOMDir); errors.Is(err, fs.ErrNotExist) {
		prefix = sbomPrefix
	}
	if err := os.MkdirAll(b.SBOMDir, 0o777); err != nil {
		return err
	}
	dir, err := os.OpenRoot(b.SBOMDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	return unpackInto(dir, tar.NewReader(file), prefix)
}

// unpackInto writes the directories and files of an archive, whose names begin
// with prefix, to a directory.
func unpackInto(dir *os.Root, archive *tar.Reader, prefix string) error {
	for {
		entry, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.FromSlash(strings.TrimPrefix(path.Clean(entry.Name), prefix))
		name = filepath.Join(".", strings.TrimPrefix(name, string(filepath.Separator)))
		switch entry.Typeflag {
		case tar.TypeDir:
			err = dir.MkdirAll(name, 0o777)
		case tar.TypeReg:
			err = writeFile(func() (*os.File, error) { return userfile.CreateIn(dir, name) }, archive)
		}
		if err != nil {
			return err
		}
	}
}

func writeFile(create func() (*os.File, error), content io.Reader) error {
	file, err := create()
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}
