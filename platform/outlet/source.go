package outlet

import (
	"context"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// Source is an image that an app image is made of: the run image, or a previous
// app image.
type Source struct {
	// Name is what the user calls it, Reference tells it from every other one.
	Name, Reference string
	Image           v1.Image
	// Exact is set when manifest and config are those of a registry or a layout,
	// and not what a daemon says of the image.
	Exact bool
}

// Known describes the image for a phase. Where layers are kept plain, nobody
// wants its manifest.
func (s *Source) Known(plain bool) (phases.KnownImage, error) {
	known := phases.KnownImage{Name: s.Name, Reference: s.Reference}
	var err error
	if known.Config, err = s.Image.RawConfigFile(); err != nil {
		return known, fmt.Errorf("read the config of image %s: %w", s.Name, err)
	}
	if plain {
		return known, nil
	}
	if known.Manifest, err = s.Image.RawManifest(); err != nil {
		return known, fmt.Errorf("read the manifest of image %s: %w", s.Name, err)
	}
	return known, nil
}

// KnownImages describes what an app image is made of; previous is nil for none. Plain
// is that of phases.KnownImages.
func KnownImages(run, previous *Source, plain bool) (phases.KnownImages, error) {
	known := phases.KnownImages{Plain: plain}
	var err error
	if known.Run, err = run.Known(plain); err != nil || previous == nil {
		return known, err
	}
	of, err := previous.Known(plain)
	known.Previous = &of
	return known, err
}

// readLayer opens a layer of the previous image, not compressed.
func readLayer(previous *Source, diffID v1.Hash) (io.ReadCloser, error) {
	if previous == nil {
		return nil, fmt.Errorf("there is no previous image with layer %s", diffID)
	}
	layer, err := previous.Image.LayerByDiffID(diffID)
	if err != nil {
		return nil, fmt.Errorf("previous image %s: %w", previous.Name, err)
	}
	return layer.Uncompressed()
}

// blob is a layer as it is stored.
type blob struct {
	size int64
	open func() (io.ReadCloser, error)
}

// blobOf is a layer of an app image in the form that its manifest describes. It
// comes from the phase or from one of the sources.
func blobOf(ctx context.Context, layer phases.AppLayer, sources ...*Source) (blob, error) {
	if layer.Open == nil {
		return find(layer.DiffID, sources, func(img v1.Image) (v1.Layer, error) { return img.LayerByDigest(layer.Descriptor.Digest) })
	}
	compressed, err := partial.UncompressedToLayer(&made{ctx, layer})
	if err != nil {
		return blob{}, err
	}
	return blob{layer.Descriptor.Size, compressed.Compressed}, nil
}

// archiveOf is a layer of an app image as a daemon loads it: plain, or as it is
// in a registry.
func archiveOf(ctx context.Context, layer phases.AppLayer, sources ...*Source) (blob, error) {
	if layer.Open == nil {
		return find(layer.DiffID, sources, func(img v1.Image) (v1.Layer, error) { return img.LayerByDiffID(layer.DiffID) })
	}
	return blob{layer.Size, func() (io.ReadCloser, error) { return layer.Open(ctx) }}, nil
}

// find looks for a layer in the sources.
func find(diffID v1.Hash, sources []*Source, in func(v1.Image) (v1.Layer, error)) (blob, error) {
	for _, source := range sources {
		if source == nil {
			continue
		}
		layer, err := in(source.Image)
		if err != nil {
			continue // the next one has it
		}
		size, err := layer.Size()
		if err != nil {
			return blob{}, fmt.Errorf("layer %s of image %s: %w", diffID, source.Name, err)
		}
		return blob{size, layer.Compressed}, nil
	}
	return blob{}, fmt.Errorf("layer %s is in neither the run image nor the previous image", diffID)
}

// made is a layer that a phase has made, a partial.UncompressedLayer.
type made struct {
	ctx   context.Context // of the Save that it belongs to
	layer phases.AppLayer
}

// DiffID implements partial.UncompressedLayer.
func (m *made) DiffID() (v1.Hash, error) { return m.layer.DiffID, nil }

// Uncompressed implements partial.UncompressedLayer.
func (m *made) Uncompressed() (io.ReadCloser, error) { return m.layer.Open(m.ctx) }

// MediaType implements partial.UncompressedLayer.
func (m *made) MediaType() (types.MediaType, error) { return m.layer.Descriptor.MediaType, nil }
