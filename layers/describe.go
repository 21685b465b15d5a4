package layers

import (
	"maps"
	"math"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Content is one layer of a snapshot as its manifest, config and metadata
// describe it.
type Content struct {
	// ID is the zero LayerID for a layer that no metadata names.
	ID LayerID
	// Version is the version of the buildpack.
	Version              string
	Build, Launch, Cache bool
	// Layer has no blobs if the metadata name a layer that the snapshot does not
	// hold.
	Layer
	// Size is the size of the uncompressed archive in bytes, 0 if nothing tells.
	Size int64
}

// Created is when the snapshot was made: when something in it changed last. It
// is zero if the manifest does not tell.
func (s *Snapshot) Created() time.Time {
	created, err := time.Parse(time.RFC3339, s.manifest.Annotations[createdAnnotation])
	if err != nil {
		return time.Time{}
	}
	return created
}

// Config is the blob of the snapshot's config.
func (s *Snapshot) Config() v1.Descriptor { return s.manifest.Config }

// Name is the name that the snapshot was loaded by.
func (s *Snapshot) Name() string { return s.name }

// Size is how large manifest, config and all blobs are, in bytes.
func (s *Snapshot) Size() int64 {
	size := int64(len(s.raw))
	for _, blob := range s.reaches() {
		size += blob.Size
	}
	return size
}

// reaches are the blobs that the snapshot is made of, each once.
func (s *Snapshot) reaches() []v1.Descriptor {
	var all []v1.Descriptor
	seen := map[v1.Hash]bool{}
	for _, blob := range append([]v1.Descriptor{s.manifest.Config}, s.manifest.Layers...) {
		if !seen[blob.Digest] {
			seen[blob.Digest] = true
			all = append(all, blob)
		}
	}
	return all
}

// Contents lists the layers: those of the metadata in their order and sorted by
// name within a buildpack, the SBOM, and what no metadata names. A layer that
// two buildpacks share is listed twice.
func (s *Snapshot) Contents() []Content {
	var all []Content
	named := map[string]bool{}
	for _, bp := range s.metadata.Buildpacks {
		for _, name := range slices.Sorted(maps.Keys(bp.Layers)) {
			layer := bp.Layers[name]
			one := s.content(layer.SHA)
			one.ID, one.Version = LayerID{Buildpack: bp.ID, Layer: name}, bp.Version
			one.Build, one.Launch, one.Cache = layer.Build, layer.Launch, layer.Cache
			all = append(all, one)
			named[layer.SHA] = true
		}
	}
	if sha := s.metadata.BOM.SHA; sha != "" {
		one := s.content(sha)
		one.ID, one.Cache = sbomID, true
		all = append(all, one)
		named[sha] = true
	}
	for _, diffID := range s.order {
		if !named[diffID] {
			all = append(all, s.content(diffID))
			named[diffID] = true
		}
	}
	return all
}

func (s *Snapshot) content(diffID string) Content {
	layer, ok := s.Layer(diffID)
	if !ok {
		return Content{Layer: Layer{DiffID: diffID}}
	}
	size, _ := layer.unpacked()
	return Content{Layer: layer, Size: size}
}

// usualRatio is how much larger an archive is taken to be than its blobs, where they
// do not tell.
const usualRatio = 3

// Footprint estimates how many bytes a restore of all layers takes: those of their
// archives, and those of the blobs, which may be kept. A layer that has several names
// is restored as often.
func (s *Snapshot) Footprint() int64 {
	var all int64
	named := map[string]int{}
	for _, bp := range s.metadata.Buildpacks {
		for _, layer := range bp.Layers {
			named[layer.SHA]++
		}
	}
	for diffID, layer := range s.layers {
		stored, size := layer.Stored(), layer.decoded()
		if size < 0 {
			size = 0
			for range usualRatio {
				size = sum(size, stored)
			}
		}
		for range max(1, named[diffID]) {
			all = sum(all, size)
		}
		all = sum(all, stored)
	}
	return all
}

// sum adds sizes that others have written, without an overflow.
func sum(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
