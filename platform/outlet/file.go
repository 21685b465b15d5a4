package outlet

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/special"
	"github.com/pack-cache/pack-cache/internal/userfile"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// File writes an app image to a file that other tools load.
type File struct {
	Path string
	// Docker writes an archive as `docker save` does; else it is one of an OCI
	// layout, which `docker load` reads, too.
	Docker bool
	// Tags are the names of the image, as a daemon shows them.
	Tags []string
	Run  *Source
	// Previous is nil if there is none.
	Previous *Source
}

// Known describes what the image is made of.
func (f *File) Known() (phases.KnownImages, error) { return KnownImages(f.Run, f.Previous, f.Docker) }

// Begin has nothing to do.
func (f *File) Begin(context.Context) {}

// Close has nothing to do.
func (f *File) Close() error { return nil }

// Layer implements phases.Apps.
func (f *File) Layer(_ context.Context, diffID v1.Hash) (io.ReadCloser, error) {
	return readLayer(f.Previous, diffID)
}

// Save implements phases.Apps.
func (f *File) Save(ctx context.Context, app phases.App) (phases.Saved, error) {
	if f.Docker {
		image := &archive{app: app, tags: f.Tags, sources: []*Source{f.Run, f.Previous}}
		id, err := sum(app.Config)
		if err == nil {
			err = replace(f.Path, func(w io.Writer) error { return image.write(ctx, w) })
		}
		return phases.Saved{ID: id.String()}, err
	}
	digest, err := sum(app.Manifest)
	if err == nil {
		err = replace(f.Path, func(w io.Writer) error { return f.writeLayout(ctx, w, app, digest) })
	}
	return phases.Saved{Digest: digest.String()}, err
}

// writeLayout writes an OCI layout as an archive (image specification, "OCI Image
// Layout Specification").
func (f *File) writeLayout(ctx context.Context, to io.Writer, app phases.App, digest v1.Hash) error {
	w := tar.NewWriter(to)
	if err := writeSmall(w, "oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)); err != nil {
		return err
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(app.Manifest))
	if err != nil {
		return err
	}
	written := map[v1.Hash]bool{}
	for _, layer := range app.Layers {
		if written[layer.Descriptor.Digest] {
			continue
		}
		written[layer.Descriptor.Digest] = true
		content, err := blobOf(ctx, layer, f.Run, f.Previous)
		if err != nil {
			return err
		}
		checked := &checking{want: layer.Descriptor.Digest}
		open := content.open
		content.open = func() (io.ReadCloser, error) { return checked.open(open) }
		if err := writeBlob(ctx, w, blobName(layer.Descriptor.Digest), content); err != nil {
			return fmt.Errorf("layer %s: %w", layer.DiffID, err)
		}
		if err := checked.check(); err != nil {
			return err
		}
	}
	index, err := f.index(mediaTypeOf(app.Manifest), digest, int64(len(app.Manifest)))
	if err != nil {
		return err
	}
	list, err := dockerList(app, f.Tags)
	if err != nil {
		return err
	}
	for _, small := range []struct {
		name    string
		content []byte
	}{
		{blobName(manifest.Config.Digest), app.Config}, {blobName(digest), app.Manifest},
		{"index.json", index}, {manifestName, list},
	} {
		if err := writeSmall(w, small.name, small.content); err != nil {
			return err
		}
	}
	return w.Close()
}

// index is an index.json with the image under each of its names, as BuildKit
// writes them.
func (f *File) index(mediaType types.MediaType, digest v1.Hash, size int64) ([]byte, error) {
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	for _, name := range f.Tags {
		index.Manifests = append(index.Manifests, v1.Descriptor{
			MediaType: mediaType, Digest: digest, Size: size,
			Annotations: map[string]string{
				"io.containerd.image.name":          name,
				"org.opencontainers.image.ref.name": tagOf(name),
			},
		})
	}
	return json.Marshal(index)
}

// writeAll writes content.
func writeAll(w io.Writer, content []byte) error {
	_, err := w.Write(content)
	return err
}

// replace writes a file that is there whole or as it was before.
func replace(path string, write func(io.Writer) error) (err error) {
	file, err := newTemp(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close(), os.Remove(file.Name()))
		}
	}()
	if err := write(file); err != nil {
		return err
	}
	// Temporary files are their owner's alone.
	if err := errors.Join(file.Chmod(0o644), file.Sync()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return file.Close()
}

// CheckFile fails if no file can be written at a path.
func CheckFile(path string) error {
	if info, err := os.Stat(path); err == nil {
		switch kind := special.Kind(info.Mode()); {
		case info.IsDir():
			return fmt.Errorf("%s is a directory", path)
		case kind != "":
			return fmt.Errorf("%s is %s, which a file would replace", path, kind)
		}
	}
	return userfile.CheckNew(path)
}
