package phases

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// known is an image of which there is only what a KnownImage says.
type known struct {
	raw, config []byte
	manifest    *v1.Manifest
	diffIDs     map[v1.Hash]v1.Hash // by digest
	// read reads a layer, nil if nobody can.
	read layerReader
}

var _ partial.CompressedImageCore = (*known)(nil)

// layerReader reads a layer of an image, compressed or not.
type layerReader func(layer v1.Descriptor, diffID v1.Hash) (io.ReadCloser, error)

// newKnown returns the image that is described. Its layers are all like those in
// the manifest or, without one, like plain archives. read reads them; nil says
// that nobody can.
func newKnown(image KnownImage, read layerReader) (v1.Image, error) {
	var config v1.ConfigFile
	if err := bounds.JSON(image.Config, &config); err != nil {
		return nil, fmt.Errorf("config of image %s: %w", image.Reference, err)
	}
	k := &known{raw: image.Manifest, config: image.Config, diffIDs: map[v1.Hash]v1.Hash{}, read: read}
	if len(k.raw) == 0 {
		var err error
		if k.raw, err = plainManifest(image.Config, config.RootFS.DiffIDs); err != nil {
			return nil, err
		}
	}
	k.manifest = &v1.Manifest{}
	if err := bounds.JSON(k.raw, k.manifest); err != nil {
		return nil, fmt.Errorf("manifest of image %s: %w", image.Reference, err)
	}
	if len(k.manifest.Layers) != len(config.RootFS.DiffIDs) {
		return nil, fmt.Errorf("image %s: the manifest lists %d layers, and the config %d", image.Reference, len(k.manifest.Layers), len(config.RootFS.DiffIDs))
	}
	for i, layer := range k.manifest.Layers {
		k.diffIDs[layer.Digest] = config.RootFS.DiffIDs[i]
	}
	return partial.CompressedToImage(k)
}

// plainManifest is a manifest of layers without compression, whose sizes nobody
// wants to know.
func plainManifest(config []byte, diffIDs []v1.Hash) ([]byte, error) {
	digest, size, err := v1.SHA256(bytes.NewReader(config))
	if err != nil {
		return nil, err
	}
	manifest := v1.Manifest{
		SchemaVersion: 2, MediaType: types.DockerManifestSchema2,
		Config: v1.Descriptor{MediaType: types.DockerConfigJSON, Digest: digest, Size: size},
	}
	for _, diffID := range diffIDs {
		manifest.Layers = append(manifest.Layers, v1.Descriptor{MediaType: types.DockerUncompressedLayer, Digest: diffID})
	}
	return json.Marshal(manifest)
}

// RawConfigFile implements partial.CompressedImageCore.
func (k *known) RawConfigFile() ([]byte, error) { return k.config, nil }

// RawManifest implements partial.CompressedImageCore.
func (k *known) RawManifest() ([]byte, error) { return k.raw, nil }

// MediaType implements partial.CompressedImageCore.
func (k *known) MediaType() (types.MediaType, error) {
	if k.manifest.MediaType == "" {
		return types.OCIManifestSchema1, nil // which need not say so
	}
	return k.manifest.MediaType, nil
}

// LayerByDigest implements partial.CompressedImageCore.
func (k *known) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	for _, layer := range k.manifest.Layers {
		if layer.Digest == digest {
			return &knownLayer{k, layer}, nil
		}
	}
	return nil, fmt.Errorf("there is no layer %s", digest)
}

// knownLayer is a layer of an image that is only known.
type knownLayer struct {
	of         *known
	descriptor v1.Descriptor
}

// Digest implements partial.CompressedLayer.
func (l *knownLayer) Digest() (v1.Hash, error) { return l.descriptor.Digest, nil }

// DiffID implements partial.CompressedLayer.
func (l *knownLayer) DiffID() (v1.Hash, error) { return l.of.diffIDs[l.descriptor.Digest], nil }

// Size implements partial.CompressedLayer.
func (l *knownLayer) Size() (int64, error) { return l.descriptor.Size, nil }

// MediaType implements partial.CompressedLayer.
func (l *knownLayer) MediaType() (types.MediaType, error) { return l.descriptor.MediaType, nil }

// Descriptor makes a manifest say of the layer what it said before.
func (l *knownLayer) Descriptor() (*v1.Descriptor, error) { return l.descriptor.DeepCopy(), nil }

// Compressed implements partial.CompressedLayer. Whoever reads it finds out
// whether it is compressed.
func (l *knownLayer) Compressed() (io.ReadCloser, error) {
	if l.of.read == nil {
		return nil, errors.New("a phase cannot read this layer")
	}
	return l.of.read(l.descriptor, l.of.diffIDs[l.descriptor.Digest])
}
