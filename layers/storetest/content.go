package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/layers"
)

// noise returns n bytes that are the same for the same seed and cannot be
// compressed.
func noise(seed uint64, n int64) []byte {
	key := [32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), 's', 't'}
	b := make([]byte, n)
	rand.NewChaCha8(key).Read(b)
	return b
}

// hashOf is the digest of b.
func hashOf(b []byte) v1.Hash {
	sum := sha256.Sum256(b)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}

// describe is the descriptor of b as a layer.
func describe(b []byte) v1.Descriptor {
	return v1.Descriptor{MediaType: types.OCILayer, Digest: hashOf(b), Size: int64(len(b))}
}

// source is content to be pushed. It notes how it is used.
type source struct {
	io.Reader
	opened, closed atomic.Int32
}

// from is a source with the content b.
func from(b []byte) *source { return &source{Reader: bytes.NewReader(b)} }

func (s *source) open() (io.ReadCloser, error) {
	s.opened.Add(1)
	return s, nil
}

// Close implements io.Closer.
func (s *source) Close() error {
	s.closed.Add(1)
	return nil
}

// push stores b without telling its digest, as a layer that is being made.
func push(t *testing.T, s layers.Store, b []byte) v1.Descriptor {
	t.Helper()
	p, err := s.Push(t.Context(), v1.Descriptor{MediaType: types.OCILayer}, from(b).open)
	if err != nil {
		t.Fatalf("push of %d bytes: %v", len(b), err)
	}
	return p.Descriptor
}

// read returns a range of a blob.
func read(ctx context.Context, s layers.Store, blob v1.Descriptor, offset, length int64) ([]byte, error) {
	r, err := s.Open(ctx, blob, offset, length)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}

// wantBlob checks that a blob is there, whole.
func wantBlob(t *testing.T, s layers.Store, b []byte) {
	t.Helper()
	got, err := read(t.Context(), s, describe(b), 0, -1)
	if err != nil {
		t.Errorf("reading a blob of %d bytes: %v", len(b), err)
	} else if !bytes.Equal(got, b) {
		t.Errorf("a blob of %d bytes has other content, of %d bytes", len(b), len(got))
	}
}

// wantNoBlob checks that a blob is not there, not even in part.
func wantNoBlob(t *testing.T, s layers.Store, blob v1.Descriptor) {
	t.Helper()
	got, err := read(t.Context(), s, blob, 0, -1)
	if !errors.Is(err, layers.ErrNotFound) {
		t.Errorf("opening a blob that must not be there: %d bytes, error %v, want ErrNotFound", len(got), err)
	}
}

// snapshot is a small image: a manifest and its blobs.
type snapshot struct {
	mediaType string
	manifest  []byte
	blobs     [][]byte
}

// newSnapshot makes a snapshot that differs for each seed.
func newSnapshot(seed uint64) snapshot {
	return snapshotAs(seed, types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer)
}

func snapshotAs(seed uint64, manifest, config, layer types.MediaType) snapshot {
	blobs := [][]byte{
		[]byte(`{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]},"seed":"` + hashOf(noise(seed, 8)).Hex + `"}`),
		noise(seed, 1000), noise(seed+1<<20, 2000),
	}
	return snapshotOf(blobs, manifest, config, layer)
}

// snapshotOf makes a snapshot of a config and layers.
func snapshotOf(blobs [][]byte, manifest, config, layer types.MediaType) snapshot {
	m := v1.Manifest{SchemaVersion: 2, MediaType: manifest, Config: describe(blobs[0])}
	m.Config.MediaType = config
	for _, b := range blobs[1:] {
		d := describe(b)
		d.MediaType = layer
		m.Layers = append(m.Layers, d)
	}
	// The white space is part of the digest.
	text, err := json.MarshalIndent(m, " ", "\t")
	if err != nil {
		panic(err)
	}
	return snapshot{string(manifest), append(text, '\n'), blobs}
}

// digest is the manifest's digest.
func (n snapshot) digest() v1.Hash { return hashOf(n.manifest) }

// pushBlobs stores the blobs, but does not commit.
func (n snapshot) pushBlobs(t *testing.T, s layers.Store) {
	t.Helper()
	for _, b := range n.blobs {
		if _, err := s.Push(t.Context(), describe(b), from(b).open); err != nil {
			t.Fatalf("push: %v", err)
		}
	}
}

// save stores the snapshot under a name that stood for previous.
func (n snapshot) save(t *testing.T, s layers.Store, name string, previous v1.Hash) {
	t.Helper()
	n.pushBlobs(t, s)
	if _, err := s.Commit(t.Context(), name, n.mediaType, n.manifest, previous); err != nil {
		t.Fatalf("commit %s: %v", name, err)
	}
}

// elsewhere opens the store once more, as somebody who has read a snapshot with
// the blobs.
func (s *suite) elsewhere(t *testing.T, store layers.Store, blobs ...[]byte) layers.Store {
	t.Helper()
	n := snapshotOf(append([][]byte{[]byte("{}")}, blobs...), types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer)
	name := "with-" + n.digest().Hex[:12]
	n.save(t, store, name, v1.Hash{})
	again := s.reopen(t, store)
	if _, _, err := again.Resolve(t.Context(), name); err != nil {
		t.Fatalf("resolve %s: %v", name, err)
	}
	return again
}

// wantAt checks that name stands for the snapshot and that all of it can be
// read.
func (n snapshot) wantAt(t *testing.T, s layers.Store, name string) {
	t.Helper()
	desc, manifest, err := s.Resolve(t.Context(), name)
	if err != nil {
		t.Errorf("resolve %s: %v", name, err)
		return
	}
	if !bytes.Equal(manifest, n.manifest) {
		t.Errorf("%s stands for\n%s\nwant\n%s", name, manifest, n.manifest)
	}
	want := v1.Descriptor{MediaType: types.MediaType(n.mediaType), Digest: n.digest(), Size: int64(len(n.manifest))}
	if desc.MediaType != want.MediaType || desc.Digest != want.Digest || desc.Size != want.Size {
		t.Errorf("descriptor of %s is %v, want %v", name, desc, want)
	}
	for _, b := range n.blobs {
		wantBlob(t, s, b)
	}
}

// wantNothingAt checks that name stands for nothing.
func wantNothingAt(t *testing.T, s layers.Store, name string) {
	t.Helper()
	if desc, _, err := s.Resolve(t.Context(), name); !errors.Is(err, layers.ErrNotFound) {
		t.Errorf("resolve %s: %v, error %v, want ErrNotFound", name, desc.Digest, err)
	}
}
