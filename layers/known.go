package layers

import (
	"bytes"
	"context"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/layers/blob"
)

// Known is what a name stood for when it was loaded, for those who are to load it
// again elsewhere: they need not ask the store for it. What it holds is checked as if
// it came from the store. It is for stores that find a blob by its digest alone.
//
// A nil Known knows nothing, and loads from the store.
type Known struct {
	MediaType types.MediaType `json:"media_type,omitempty"`
	Manifest  []byte          `json:"manifest"`
	Config    []byte          `json:"config"`
}

// Known returns what the snapshot was loaded from.
func (s *Snapshot) Known() *Known {
	return &Known{MediaType: s.mediaType, Manifest: s.raw, Config: s.config}
}

// Load is Load of what is known. The name may stand for something else by now, which
// Save finds out before it replaces anything.
func (k *Known) Load(ctx context.Context, store Store, name string) (*Snapshot, error) {
	return k.load(ctx, store, name, false)
}

// LoadImport is LoadImport of what is known. What is kept beside an app image is
// looked up in the store.
func (k *Known) LoadImport(ctx context.Context, store Store, name string) (*Snapshot, error) {
	return k.load(ctx, store, name, true)
}

// resolve is Store.Resolve.
func (k *Known) resolve(ctx context.Context, store Store, name string) (v1.Descriptor, []byte, error) {
	if k == nil {
		return store.Resolve(ctx, name)
	}
	return v1.Descriptor{MediaType: k.MediaType, Digest: blob.DigestOf(k.Manifest), Size: int64(len(k.Manifest))}, k.Manifest, ctx.Err()
}

// open opens the config.
func (k *Known) open(ctx context.Context, store Store, config v1.Descriptor) *blob.Reader {
	if k == nil {
		return openBlob(ctx, store, config, nil)
	}
	return blob.Open(ctx, held(k.Config), config, nil)
}

// held is one blob in memory.
type held []byte

var _ blob.Source = held(nil)

// Open implements blob.Source.
func (h held) Open(_ context.Context, _ v1.Descriptor, offset, _ int64) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(h[min(offset, int64(len(h))):])), nil
}
