package layers

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/buildpacks/lifecycle/platform"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/layers/archive"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// contents is what a snapshot is made of.
type contents struct {
	metadata platform.CacheMetadata
	// layers in the order of the manifest, each once.
	layers []Layer
	target Target
	// listed are the diffIDs of layers, buildpacks the places of buildpacks in the
	// metadata by ID.
	listed     map[string]bool
	buildpacks map[string]int
	docker     bool
	// created is when the snapshot is made; zero leaves it out.
	created time.Time
	// author is in the config in place of one that is broken, to make it another
	// blob.
	author string
}

// createdAnnotation of a manifest is when the snapshot was made (image
// specification, "Pre-Defined Annotation Keys").
const createdAnnotation = "org.opencontainers.image.created"

// add lists a layer, once.
func (c *contents) add(layer Layer) {
	if c.listed[layer.DiffID] {
		return
	}
	if c.listed == nil {
		c.listed = map[string]bool{}
	}
	c.listed[layer.DiffID] = true
	c.layers = append(c.layers, layer)
}

// config is the image config. It has nothing of the day or the machine, so
// equal contents have equal digests; the times are those that the lifecycle
// writes.
func (c *contents) config() ([]byte, error) {
	label, err := json.Marshal(c.metadata)
	if err != nil {
		return nil, fmt.Errorf("cache metadata: %w", err)
	}
	created := v1.Time{Time: archive.NormalizedTime}
	config := &v1.ConfigFile{
		Author:  c.author,
		Created: created,
		Config:  v1.Config{Labels: map[string]string{MetadataLabel: string(label)}},
		RootFS:  v1.RootFS{Type: "layers", DiffIDs: make([]v1.Hash, 0, len(c.layers))},
	}
	c.target.writeTo(config)
	for _, layer := range c.layers {
		diffID, err := v1.NewHash(layer.DiffID)
		if err != nil {
			return nil, fmt.Errorf("diffID %q: %w", layer.DiffID, err)
		}
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, diffID)
		config.History = append(config.History, v1.History{Created: created})
	}
	return json.Marshal(config)
}

// manifest is the image manifest over a config.
func (c *contents) manifest(config v1.Descriptor) ([]byte, types.MediaType, error) {
	manifest := &v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		Config:        config,
		Layers:        make([]v1.Descriptor, 0, len(c.layers)),
	}
	switch {
	case c.docker: // whose manifests know no annotations
		manifest.MediaType = types.DockerManifestSchema2
	case !c.created.IsZero():
		manifest.Annotations = map[string]string{createdAnnotation: c.created.UTC().Format(time.RFC3339)}
	}
	for _, layer := range c.layers {
		desc := layer.whole()
		desc.MediaType = blob.InFamily(desc.MediaType, c.docker)
		if c.docker {
			desc.Annotations = nil
		}
		manifest.Layers = append(manifest.Layers, desc)
	}
	raw, err := json.Marshal(manifest)
	return raw, manifest.MediaType, err
}

// pushConfig stores the config and returns its descriptor. It differs from
// the blobs that are broken in the store.
func (c *contents) pushConfig(ctx context.Context, store Store, broken []v1.Hash) (v1.Descriptor, int64, error) {
	data, err := c.config()
	if err == nil && slices.Contains(broken, blob.DigestOf(data)) {
		c.author = "pack-cache, in place of a damaged config (" + rand.Text() + ")"
		data, err = c.config()
	}
	if err != nil {
		return v1.Descriptor{}, 0, err
	}
	want := v1.Descriptor{MediaType: types.OCIConfigJSON, Digest: blob.DigestOf(data), Size: int64(len(data))}
	if c.docker {
		want.MediaType = types.DockerConfigJSON
	}
	sent, err := pushBytes(ctx, store, want, data)
	if err != nil {
		return v1.Descriptor{}, 0, fmt.Errorf("storing the config: %w", err)
	}
	return want, sent, nil
}
