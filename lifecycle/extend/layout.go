package extend

import (
	"archive/tar"
	"context"
	"encoding/json"
	"io"
	"path"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Dir is where Layout puts everything: what the lifecycle's exporter knows as
// <extended>.
const Dir = "extended"

// Layout writes a run image as the lifecycle's extender leaves it: an OCI layout
// without the lowest layers, of which there are base.
func Layout(img v1.Image, base int) func(context.Context, *tar.Writer) error {
	return func(ctx context.Context, archive *tar.Writer) error {
		descriptor, err := partial.Descriptor(img)
		if err != nil {
			return err
		}
		index, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{*descriptor}})
		if err != nil {
			return err
		}
		manifest, err := img.RawManifest()
		if err != nil {
			return err
		}
		config, err := img.RawConfigFile()
		if err != nil {
			return err
		}
		id, err := img.ConfigName()
		if err != nil {
			return err
		}
		dir := path.Join(Dir, "run", descriptor.Digest.String())
		for name, content := range map[string][]byte{
			"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`), "index.json": index,
			blob(descriptor.Digest): manifest, blob(id): config,
		} {
			header := tar.Header{Typeflag: tar.TypeReg, Name: path.Join(dir, name), Mode: 0o644, Size: int64(len(content))}
			if err := archive.WriteHeader(&header); err != nil {
				return err
			}
			if _, err := archive.Write(content); err != nil {
				return err
			}
		}
		layers, err := img.Layers()
		if err != nil {
			return err
		}
		for _, layer := range layers[base:] {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := writeLayer(archive, dir, layer); err != nil {
				return err
			}
		}
		return nil
	}
}

func blob(digest v1.Hash) string { return path.Join("blobs", digest.Algorithm, digest.Hex) }

func writeLayer(archive *tar.Writer, dir string, layer v1.Layer) error {
	digest, err := layer.Digest()
	if err != nil {
		return err
	}
	size, err := layer.Size()
	if err != nil {
		return err
	}
	content, err := layer.Compressed()
	if err != nil {
		return err
	}
	defer content.Close()
	if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path.Join(dir, blob(digest)), Mode: 0o644, Size: size}); err != nil {
		return err
	}
	_, err = io.Copy(archive, content)
	return err
}
