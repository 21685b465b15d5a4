package layers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/layers/blob"
)

// fakeStore is a Store in memory. The hooks, where set, run before the real
// thing and may fail instead of it.
type fakeStore struct {
	mu        sync.Mutex
	blobs     map[string][]byte
	manifests map[string]fakeManifest

	onOpen   func(blob v1.Descriptor, offset, length int64) (io.ReadCloser, error)
	onPush   func(want v1.Descriptor) error
	onCommit func() error

	opens, pushes, commits int
}

type fakeManifest struct {
	mediaType types.MediaType
	raw       []byte
}

var _ Store = (*fakeStore)(nil)

func newFakeStore() *fakeStore {
	return &fakeStore{blobs: map[string][]byte{}, manifests: map[string]fakeManifest{}}
}

func (s *fakeStore) String() string { return "fake.example.com/cache" }

func (s *fakeStore) Resolve(_ context.Context, name string) (v1.Descriptor, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.manifests[name]
	if !ok {
		return v1.Descriptor{}, nil, fmt.Errorf("%s:%s: %w", s, name, ErrNotFound)
	}
	return v1.Descriptor{MediaType: m.mediaType, Digest: blob.DigestOf(m.raw), Size: int64(len(m.raw))}, m.raw, nil
}

func (s *fakeStore) Open(ctx context.Context, blob v1.Descriptor, offset, length int64) (io.ReadCloser, error) {
	s.mu.Lock()
	s.opens++
	hook := s.onOpen
	data, ok := s.blobs[blob.Digest.String()]
	s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if hook != nil {
		if stream, err := hook(blob, offset, length); stream != nil || err != nil {
			return stream, err
		}
	}
	if !ok {
		return nil, fmt.Errorf("blob %s: %w", blob.Digest, ErrNotFound)
	}
	data = data[offset:]
	if length >= 0 {
		data = data[:min(length, int64(len(data)))]
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (s *fakeStore) Push(ctx context.Context, want v1.Descriptor, open func() (io.ReadCloser, error)) (Pushed, error) {
	s.mu.Lock()
	s.pushes++
	hook := s.onPush
	have, ok := s.blobs[want.Digest.String()]
	s.mu.Unlock()
	if hook != nil {
		if err := hook(want); err != nil {
			return Pushed{}, err
		}
	}
	if ok {
		return Pushed{Descriptor: v1.Descriptor{MediaType: want.MediaType, Digest: want.Digest, Size: int64(len(have))}}, nil
	}
	stream, err := open()
	if err != nil {
		return Pushed{}, err
	}
	defer stream.Close()
	data, err := io.ReadAll(stream)
	if err != nil {
		return Pushed{}, err
	}
	digest := blob.DigestOf(data)
	if want.Digest != (v1.Hash{}) && want.Digest != digest {
		return Pushed{}, fmt.Errorf("pushed %s instead of %s", digest, want.Digest)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blobs[digest.String()] = data
	return Pushed{
		Descriptor: v1.Descriptor{MediaType: want.MediaType, Digest: digest, Size: int64(len(data))},
		Sent:       int64(len(data)),
	}, ctx.Err()
}

func (s *fakeStore) Commit(ctx context.Context, name, mediaType string, manifest []byte, previous v1.Hash) (v1.Descriptor, error) {
	s.mu.Lock()
	hook := s.onCommit
	s.commits++
	s.mu.Unlock()
	if hook != nil {
		if err := hook(); err != nil {
			return v1.Descriptor{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var current v1.Hash
	if m, ok := s.manifests[name]; ok {
		current = blob.DigestOf(m.raw)
	}
	if current != previous {
		return v1.Descriptor{}, fmt.Errorf("%s:%s: %w", s, name, ErrConflict)
	}
	parsed, err := v1.ParseManifest(bytes.NewReader(manifest))
	if err != nil {
		return v1.Descriptor{}, err
	}
	for _, blob := range append(slices.Clone(parsed.Layers), parsed.Config) {
		if _, ok := s.blobs[blob.Digest.String()]; !ok {
			return v1.Descriptor{}, fmt.Errorf("manifest names blob %s: %w", blob.Digest, ErrNotFound)
		}
	}
	s.manifests[name] = fakeManifest{types.MediaType(mediaType), manifest}
	return v1.Descriptor{MediaType: types.MediaType(mediaType), Digest: blob.DigestOf(manifest), Size: int64(len(manifest))}, ctx.Err()
}

// manifest parses what name stands for.
func (s *fakeStore) manifest(name string) (*v1.Manifest, error) {
	_, raw, err := s.Resolve(context.Background(), name)
	if err != nil {
		return nil, err
	}
	return v1.ParseManifest(bytes.NewReader(raw))
}
