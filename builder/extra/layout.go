package extra

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/userfile"
)

// layoutFile marks an OCI layout (OCI image specification, image-layout.md).
const layoutFile = "oci-layout"

// layoutFiles are the files of an OCI layout.
type layoutFiles interface {
	// open returns a file by its slash-separated name, or fs.ErrNotExist.
	open(name string) (io.ReadCloser, error)
}

// dirFiles is an OCI layout in a directory.
type dirFiles string

func (d dirFiles) open(name string) (io.ReadCloser, error) {
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return userfile.OpenIn(root, filepath.FromSlash(name))
}

// layout adds the buildpackage in an OCI layout.
func (r *resolver) layout(files layoutFiles) (builder.Ref, error) {
	img, err := openLayout(files, r.target)
	if err != nil {
		return builder.Ref{}, fmt.Errorf("OCI layout: %w", err)
	}
	return r.buildpackage(img)
}

// openLayout returns the image of an OCI layout that is for a target. Of images
// that say nothing about what they are for, it is the first.
func openLayout(files layoutFiles, target builder.Target) (v1.Image, error) {
	raw, err := readLayout(files, "index.json")
	if err != nil {
		return nil, err
	}
	var list v1.IndexManifest
	if err := bounds.JSON(raw, &list); err != nil {
		return nil, fmt.Errorf("index.json: %w", err)
	}
	images := slices.DeleteFunc(list.Manifests, func(d v1.Descriptor) bool { return !d.MediaType.IsImage() })
	if len(images) == 0 {
		return nil, errors.New("there is no image in it")
	}
	fits := slices.IndexFunc(images, func(d v1.Descriptor) bool {
		return d.Platform == nil || d.Platform.Architecture == "" ||
			d.Platform.OS == target.OS && (target.Architecture == "" || d.Platform.Architecture == target.Architecture)
	})
	if fits < 0 {
		return nil, fmt.Errorf("none of its images is for %s/%s", target.OS, target.Architecture)
	}
	manifest, err := readBlob(files, images[fits].Digest)
	if err != nil {
		return nil, err
	}
	img := &layoutImage{files: files, rawManifest: manifest, mediaType: images[fits].MediaType}
	if err := img.read(); err != nil {
		return nil, err
	}
	return partial.CompressedToImage(img)
}

// layoutImage is an image in an OCI layout. Manifest and config are in memory.
type layoutImage struct {
	files       layoutFiles
	rawManifest []byte
	rawConfig   []byte
	mediaType   types.MediaType
	manifest    *v1.Manifest
	config      *v1.ConfigFile
}

var _ partial.CompressedImageCore = (*layoutImage)(nil)

func (i *layoutImage) read() error {
	var err error
	i.manifest, i.config = &v1.Manifest{}, &v1.ConfigFile{}
	if err = bounds.JSON(i.rawManifest, i.manifest); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	if i.rawConfig, err = readBlob(i.files, i.manifest.Config.Digest); err != nil {
		return err
	}
	if err = bounds.JSON(i.rawConfig, i.config); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	if len(i.config.RootFS.DiffIDs) != len(i.manifest.Layers) {
		return fmt.Errorf("the config lists %d layers, the manifest %d", len(i.config.RootFS.DiffIDs), len(i.manifest.Layers))
	}
	return nil
}

func (i *layoutImage) RawManifest() ([]byte, error)        { return i.rawManifest, nil }
func (i *layoutImage) RawConfigFile() ([]byte, error)      { return i.rawConfig, nil }
func (i *layoutImage) MediaType() (types.MediaType, error) { return i.mediaType, nil }

// LayerByDigest returns a layer without looking whether it is there: reading it
// will tell.
func (i *layoutImage) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	for n, layer := range i.manifest.Layers {
		if layer.Digest == digest {
			return &layoutLayer{i.files, layer, i.config.RootFS.DiffIDs[n]}, nil
		}
	}
	return nil, fmt.Errorf("there is no layer %s", digest)
}

// layoutLayer is a layer in an OCI layout. It knows its diffID, which could
// otherwise be found only by decompressing it.
type layoutLayer struct {
	files      layoutFiles
	descriptor v1.Descriptor
	diffID     v1.Hash
}

func (l *layoutLayer) Digest() (v1.Hash, error)            { return l.descriptor.Digest, nil }
func (l *layoutLayer) DiffID() (v1.Hash, error)            { return l.diffID, nil }
func (l *layoutLayer) Size() (int64, error)                { return l.descriptor.Size, nil }
func (l *layoutLayer) MediaType() (types.MediaType, error) { return l.descriptor.MediaType, nil }
func (l *layoutLayer) Compressed() (io.ReadCloser, error) {
	return l.files.open(blobName(l.descriptor.Digest))
}

func blobName(digest v1.Hash) string { return "blobs/" + digest.Algorithm + "/" + digest.Hex }

// readBlob reads a blob into memory and checks its digest.
func readBlob(files layoutFiles, digest v1.Hash) ([]byte, error) {
	raw, err := readLayout(files, blobName(digest))
	if err != nil {
		return nil, err
	}
	if got, _, err := v1.SHA256(bytes.NewReader(raw)); err != nil || got != digest {
		return nil, fmt.Errorf("blob %s has the digest %s", digest, got)
	}
	return raw, nil
}

func readLayout(files layoutFiles, name string) ([]byte, error) {
	file, err := files.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readMetadata(name, file)
}
