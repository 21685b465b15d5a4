package layers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/buildpacks/lifecycle/platform"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// Snapshot is a loaded snapshot. It is immutable and safe for concurrent use.
type Snapshot struct {
	store  Store
	name   string
	digest v1.Hash
	// manifest and raw are the manifest, mediaType is what the store calls it.
	manifest  *v1.Manifest
	raw       []byte
	mediaType types.MediaType
	// config is the config as it is stored.
	config []byte
	// known says that the name was not resolved for this snapshot.
	known    bool
	metadata platform.CacheMetadata
	target   Target
	// layers are by diffID, in the form of the OCI image config.
	layers map[string]Layer
	// order holds the diffIDs as the config lists them.
	order []string
	// launched says of each diffID that the metadata name whether it is one of a
	// launch layer. It is made when it is needed, once everything has been read.
	launched map[string]bool
	launchOn sync.Once
	// memory is for the ranges of all blobs that are being read.
	memory *blob.Memory
	// inline says that it is an app image, incomplete that something beside it
	// could not be read.
	inline     bool
	incomplete error
}

// Load reads the snapshot that name stands for in store. No layer is read.
//
// The error wraps ErrNotFound when there is none, ErrDenied when it may not be
// read, ErrForeign (as a *ForeignError) when the name stands for something else
// than a cache, such as an app image, and ErrCorrupt (as a *DamagedError) when it
// stands for a cache of which something is lost or broken.
func Load(ctx context.Context, store Store, name string) (*Snapshot, error) {
	return (*Known)(nil).load(ctx, store, name, false)
}

// load is Load; with inline, it is LoadImport.
func (k *Known) load(ctx context.Context, store Store, name string, inline bool) (*Snapshot, error) {
	descriptor, raw, err := k.resolve(ctx, store, name)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{store: store, name: name, digest: descriptor.Digest, known: k != nil, memory: blob.NewMemory()}
	manifest, err := s.parseManifest(descriptor.MediaType, raw)
	if err != nil {
		return nil, err
	}
	s.manifest, s.raw, s.mediaType = manifest, raw, descriptor.MediaType
	config, err := s.readConfig(ctx, manifest.Config, k)
	if err != nil {
		return nil, err
	}
	labels := config.Config.Labels
	label, ok := labels[MetadataLabel]
	var reason string
	s.layers, s.order, reason = pairLayers(manifest, config)
	switch {
	case reason != "" && ok:
		return nil, s.damaged(reason, v1.Hash{})
	case reason != "":
		return nil, s.broken(reason, v1.Hash{})
	}
	mark, marked := labels[InlineLabel]
	_, isApp := labels[appLabel]
	switch {
	case ok:
		s.target = targetOf(config)
		if s.metadata, err = parseMetadata(label); err != nil {
			if json.Valid([]byte(label)) && !errors.Is(err, bounds.ErrExceeded) {
				return nil, s.foreign(err.Error()) // somebody means it so
			}
			return nil, s.damaged(err.Error(), v1.Hash{})
		}
		return s, nil
	case marked && inline:
		if err := s.readInline(ctx, mark, config); err != nil {
			return nil, err
		}
		return s, nil
	case isApp && inline:
		return nil, &ForeignError{Where: s.String(), Reason: "an app image without an inline cache", Digest: s.digest, Unmarked: true}
	case isApp:
		return nil, s.foreign("an app image")
	case s.written():
		return nil, s.damaged("its config has no label "+MetadataLabel, v1.Hash{})
	}
	return nil, s.foreign("an image without the label " + MetadataLabel)
}

// In reports whether the snapshot is kept in a store.
func (s *Snapshot) In(store Store) bool { return s.store.String() == store.String() }

// Inline reports whether the snapshot is an app image with an inline cache.
func (s *Snapshot) Inline() bool { return s.inline }

// Incomplete says why layers that are kept beside an app image could not be
// looked up; nil if they could, or if there are none.
func (s *Snapshot) Incomplete() error { return s.incomplete }

// Metadata is what the snapshot's label says. The caller may change it only at
// the top level.
func (s *Snapshot) Metadata() platform.CacheMetadata { return s.metadata }

// Target is what the snapshot was made for; the zero Target if unknown.
func (s *Snapshot) Target() Target { return s.target }

// Digest is the digest of the snapshot's manifest.
func (s *Snapshot) Digest() v1.Hash { return s.digest }

// String names the store and the snapshot.
func (s *Snapshot) String() string { return At(s.store.String(), s.name) }

// At is how people write a name, a tag or a digest, in a store.
func At(store, name string) string {
	if _, err := v1.NewHash(name); err == nil {
		return store + "@" + name
	}
	return store + ":" + name
}

// Layer returns the layer with the given diffID, and whether the snapshot has it.
func (s *Snapshot) Layer(diffID string) (Layer, bool) {
	layer, ok := s.layers[diffID]
	return layer, ok
}

func (s *Snapshot) foreign(reason string) error {
	return &ForeignError{Where: s.String(), Reason: reason, Digest: s.digest}
}

// parseManifest reads an image manifest. What the store calls an image and is not
// one is damaged, anything else is foreign.
func (s *Snapshot) parseManifest(mediaType types.MediaType, raw []byte) (*v1.Manifest, error) {
	if mediaType.IsIndex() {
		return nil, s.foreign("an image index, that is images for several platforms")
	}
	manifest := &v1.Manifest{}
	err := bounds.JSON(raw, manifest)
	if err != nil {
		if json.Valid(raw) && !mediaType.IsImage() {
			return nil, s.foreign(fmt.Sprintf("a manifest that cannot be read: %v", err))
		}
		return nil, s.damaged(fmt.Sprintf("its manifest cannot be read: %v", err), v1.Hash{})
	}
	if mediaType == "" {
		mediaType = manifest.MediaType
	}
	switch {
	case mediaType.IsIndex():
		return nil, s.foreign("an image index, that is images for several platforms")
	case !mediaType.IsImage():
		return nil, s.foreign(fmt.Sprintf("a manifest of media type %q", mediaType))
	case manifest.Config.Digest == v1.Hash{}:
		return nil, s.damaged("its manifest names no config", v1.Hash{})
	case !manifest.Config.MediaType.IsConfig():
		return nil, s.foreign(fmt.Sprintf("an artifact with a config of media type %q", manifest.Config.MediaType))
	}
	return manifest, nil
}

func (s *Snapshot) readConfig(ctx context.Context, config v1.Descriptor, k *Known) (*v1.ConfigFile, error) {
	if config.Size < 0 || config.Size > bounds.MaxDocument {
		return nil, s.broken(fmt.Sprintf("its config has %d bytes", config.Size), v1.Hash{})
	}
	reader := k.open(ctx, s.store, config)
	defer reader.Close()
	data, err := io.ReadAll(reader)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, s.broken(fmt.Sprintf("its config %s is lost", config.Digest), config.Digest)
	case errors.Is(err, ErrCorrupt):
		return nil, s.broken(fmt.Sprintf("its config is broken: %v", err), config.Digest)
	case err != nil:
		return nil, fmt.Errorf("reading the config of %s: %w", s, err)
	}
	var parsed v1.ConfigFile
	if err := bounds.JSON(data, &parsed); err != nil {
		return nil, s.broken(fmt.Sprintf("its config cannot be read: %v", err), v1.Hash{})
	}
	s.config = data
	return &parsed, nil
}

// pairLayers brings the diffIDs of the config and the blobs of the manifest
// together. A layer that is listed twice, as the lifecycle does with reused
// ones, is taken once.
func pairLayers(manifest *v1.Manifest, config *v1.ConfigFile) (map[string]Layer, []string, string) {
	diffIDs := config.RootFS.DiffIDs
	if len(diffIDs) != len(manifest.Layers) {
		return nil, nil, fmt.Sprintf("%d layers in its manifest and %d in its config", len(manifest.Layers), len(diffIDs))
	}
	layers := make(map[string]Layer, len(diffIDs))
	order := make([]string, 0, len(diffIDs))
	for i, id := range diffIDs {
		layers[id.String()] = layerOf(id.String(), v1.Descriptor{
			MediaType: manifest.Layers[i].MediaType,
			Digest:    manifest.Layers[i].Digest,
			Size:      manifest.Layers[i].Size,
			// Of which some say things that cost to find out.
			Annotations: manifest.Layers[i].Annotations,
		})
		order = append(order, id.String())
	}
	return layers, order, ""
}

// withArchive returns the layer with a diffID or, unless the diffID itself
// counts, the one with that archive.
func (s *Snapshot) withArchive(id string, exactly bool) (Layer, bool) {
	if found, ok := s.Layer(id); ok || exactly {
		return found, ok
	}
	for _, diffID := range s.order {
		if digest, _ := s.layers[diffID].archive(); digest == id {
			return s.layers[diffID], true
		}
	}
	return Layer{}, false
}
