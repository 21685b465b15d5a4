package layers

import (
	"context"
	"io"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers/blob"
)

// Layer is a layer as a snapshot holds it. It is immutable.
type Layer struct {
	// DiffID is the digest of what the blobs decode to.
	DiffID string
	// Blobs are what it is kept in. An image has one for each diffID (OCI image
	// specification, "rootfs"), and so has every layer; the method whole is the one
	// place that says so.
	Blobs []v1.Descriptor
}

// layerOf is a layer in one blob.
func layerOf(diffID string, content v1.Descriptor) Layer {
	return Layer{DiffID: diffID, Blobs: []v1.Descriptor{content}}
}

// whole is the blob that has all of the layer's archive; the zero Descriptor if the
// layer has no blobs.
func (l Layer) whole() v1.Descriptor {
	if len(l.Blobs) == 0 {
		return v1.Descriptor{}
	}
	return l.Blobs[0]
}

// Stored is how large the blobs are, in bytes.
func (l Layer) Stored() int64 {
	var all int64
	for _, content := range l.Blobs {
		all = sum(all, content.Size)
	}
	return all
}

// Codec is what the descriptors say; "" without blobs.
func (l Layer) Codec() blob.Codec {
	if len(l.Blobs) == 0 {
		return ""
	}
	return blob.CodecOf(l.whole())
}

// Digests are those of the blobs.
func (l Layer) Digests() []string {
	var all []string
	for _, content := range l.Blobs {
		all = append(all, content.Digest.String())
	}
	return all
}

// archive returns the digest of the layer's archive, and its size if that is less
// than all that is compressed, else -1.
func (l Layer) archive() (digest string, size int64) { return blob.ArchiveOf(l.whole(), l.DiffID) }

// unpacked is the size of the archive in bytes, and whether the blobs tell.
func (l Layer) unpacked() (int64, bool) { return blob.ArchiveSize(l.whole()) }

// decoded is how many bytes the blobs decode to, -1 if they do not tell.
func (l Layer) decoded() int64 { return blob.Announced(l.whole()) }

// origin names the blobs of the layer in a store.
func (l Layer) origin(store Store) string {
	return store.String() + "@" + strings.Join(l.Digests(), "+")
}

// isAmong reports whether one of the blobs has a digest of a list.
func (l Layer) isAmong(digests []string) bool {
	return slices.ContainsFunc(l.Digests(), func(digest string) bool { return slices.Contains(digests, digest) })
}

// reading is a layer on its way out of a store.
type reading struct {
	*blob.Feed
	from *blob.Reader
}

// open begins to read a layer that is to be unpacked below dir; "" says that it is
// only read. keep, if not nil, keeps its frames. What it returns has to be closed.
func (s *Snapshot) open(ctx context.Context, layer Layer, dir string, keep *blob.FrameKeeper) (*reading, error) {
	bound, err := blob.BoundOf(layer.whole(), dir)
	if err != nil {
		return nil, err
	}
	from := openBlob(ctx, s.store, layer.whole(), s.memory)
	feed, err := blob.NewFeed(ctx, from, bound, keep)
	if err != nil {
		from.Close()
		return nil, err
	}
	return &reading{feed, from}, nil
}

// finish reads what follows the archive, and fails unless all blobs have their
// digests.
func (r *reading) finish() error {
	r.Stop()
	_, err := io.Copy(io.Discard, r.from)
	return err
}

// Close ends the reading.
func (r *reading) Close() error {
	r.Feed.Close()
	return r.from.Close()
}
