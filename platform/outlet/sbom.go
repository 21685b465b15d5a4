package outlet

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"path/filepath"

	lifecycleplatform "github.com/buildpacks/lifecycle/platform"
	"github.com/buildpacks/lifecycle/platform/files"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// openSBOM opens the layer with the SBOMs of the previous image, nil if diffID is
// not that. Each build reads them, and a daemon gives a layer out only together
// with all the others; the files in it can be had alone.
func (d *Daemon) openSBOM(ctx context.Context, diffID v1.Hash) (io.ReadCloser, error) {
	if d.previous == nil {
		return nil, nil
	}
	kept, ok := d.previous.Image.(lifecycle.DaemonImage)
	if !ok {
		return nil, nil
	}
	config, err := kept.ConfigFile()
	if err != nil {
		return nil, err
	}
	var metadata files.LayersMetadata
	if err := bounds.JSON([]byte(config.Config.Labels[lifecycleplatform.LifecycleMetadataLabel]), &metadata); err != nil {
		return nil, nil // the reader of a layer knows where it is
	}
	if metadata.BOM == nil || metadata.BOM.SHA != diffID.String() {
		return nil, nil
	}
	from, err := kept.Open(ctx, path.Join(lifecycle.LayersDir, "sbom"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	read, write := io.Pipe()
	go func() {
		write.CloseWithError(errors.Join(moveTo(write, from, lifecycle.LayersDir), from.Close()))
	}()
	return read, nil
}

// moveTo writes an archive anew whose entries are below dir.
func moveTo(to io.Writer, from io.Reader, dir string) error {
	reader, writer := tar.NewReader(from), tar.NewWriter(to)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return writer.Close()
		}
		if err != nil {
			return err
		}
		plain := header.Typeflag == tar.TypeReg || header.Typeflag == tar.TypeDir
		if !plain || !filepath.IsLocal(header.Name) {
			continue
		}
		header.Name = path.Join(dir, header.Name)
		if err := writer.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.Copy(writer, reader); err != nil {
			return err
		}
	}
}
