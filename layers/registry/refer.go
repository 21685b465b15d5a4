package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
)

// Referrer is a manifest that refers to another one, its subject.
type Referrer struct {
	// Descriptor is that of Manifest, with its artifact type and annotations.
	Descriptor v1.Descriptor
	Manifest   []byte
	Subject    v1.Hash
	// Newer reports whether a, a referrer of the same subject and artifact type,
	// makes b superfluous. Of two different ones, exactly one does.
	Newer func(a, b v1.Descriptor) bool
}

// Refer stores a manifest, all of whose blobs are there, so that Referrers finds
// it (distribution specification, "Pushing Manifests with Subject"). On a
// registry without lists of referrers it is entered into the list that clients
// keep under a tag, of which it takes the place of older referrers of its
// artifact type; those of other types stay.
//
// A list that the registry has lost or cannot read any more is begun anew.
//
// Nobody can compare and swap a tag. So the list is read again after it was
// written, until it has this referrer, or a newer one of another build.
func (s *Store) Refer(ctx context.Context, r Referrer) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	header, err := c.putManifest(ctx, r.Descriptor.Digest.String(), r.Descriptor, r.Manifest)
	if err != nil || header.Get("OCI-Subject") != "" {
		return err
	}
	return web.Rule{Attempts: 8, First: 50 * time.Millisecond}.Do(ctx, func() (again bool, err error) {
		for range 2 { // write it, and see whether it stays
			index, err := c.fallback(ctx, r.Subject)
			if layers.AsDamaged(err) != nil { // nobody can read what was in it
				index, err = emptyIndex(), nil
			}
			if err != nil || !r.enter(index) {
				return false, err
			}
			if err := c.putFallback(ctx, r.Subject, index); err != nil {
				return false, err
			}
		}
		return true, &failure{op: "push to", subject: c.subject(fallbackTag(r.Subject)), cause: layers.ErrConflict}
	})
}

// enter puts the referrer into a list, and reports whether that was needed.
func (r Referrer) enter(index *v1.IndexManifest) bool {
	var others []v1.Descriptor
	for _, d := range index.Manifests {
		switch {
		case d.ArtifactType != r.Descriptor.ArtifactType:
			others = append(others, d)
		case d.Digest == r.Descriptor.Digest || r.Newer(d, r.Descriptor):
			return false
		}
	}
	index.Manifests = append(others, r.Descriptor)
	return true
}

func (c *client) putFallback(ctx context.Context, subject v1.Hash, index *v1.IndexManifest) error {
	raw, err := json.Marshal(index)
	if err != nil {
		return err
	}
	digest, size, _ := v1.SHA256(bytes.NewReader(raw))
	desc := v1.Descriptor{MediaType: types.OCIImageIndex, Digest: digest, Size: size}
	_, err = c.putManifest(ctx, fallbackTag(subject), desc, raw)
	return err
}

// Forget deletes manifests if the registry allows that. It is for what
// nobody is led to any more.
func (s *Store) Forget(ctx context.Context, digests ...v1.Hash) {
	c, err := s.connect(ctx)
	if err != nil {
		return
	}
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	for _, digest := range digests {
		resp, err := c.deletion(ctx, digest.String())
		if err != nil {
			return
		}
		web.Drop(resp)
	}
}
