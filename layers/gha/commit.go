package gha

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/layers"
)

// Commit implements layers.Store. Of builds that follow on the same snapshot one
// gets the key of what follows. Somebody who has reserved it and does not come
// to an end is waited for, and then passed over.
func (s *Store) Commit(ctx context.Context, name, mediaType string, manifest []byte, previous v1.Hash) (v1.Descriptor, error) {
	now, err := s.current(ctx, name)
	if err != nil {
		return v1.Descriptor{}, err
	}
	if now == nil {
		now = &commit{}
	}
	desc := v1.Descriptor{MediaType: types.MediaType(mediaType), Digest: hashOf(manifest), Size: int64(len(manifest))}
	switch now.desc.Digest {
	case desc.Digest:
		return desc, nil
	case previous:
	default:
		return v1.Descriptor{}, conflict(name)
	}
	if err := s.refuseWrite(name); err != nil {
		return v1.Descriptor{}, err
	}
	content, err := s.assemble(ctx, mediaType, manifest)
	if err != nil {
		return v1.Descriptor{}, err
	}
	key, up, err := s.follow(ctx, name, now)
	if err != nil {
		return v1.Descriptor{}, err
	}
	if err := up.whole(ctx, content); err != nil {
		if ctx.Err() != nil {
			return v1.Descriptor{}, ctx.Err()
		}
		// The service may have done it without our hearing so.
		if now, _ := s.current(ctx, name); now == nil || now.desc.Digest != desc.Digest {
			return v1.Descriptor{}, err
		}
	}
	h, err := decodeHead(key, content)
	if err != nil {
		return v1.Descriptor{}, err
	}
	return s.remember(key, h, content).desc, nil
}

func conflict(name string) error {
	return &failure{op: "write", what: name, cause: layers.ErrConflict}
}

// follow reserves the entry that follows on now.
func (s *Store) follow(ctx context.Context, name string, now *commit) (string, upload, error) {
	if s.access == WriteOnly {
		// It cannot be known what there is.
		key := randomKey(name)
		up, err := s.service.reserve(ctx, key)
		return key, up, err
	}
	for attempt := 0; ; attempt++ {
		key := nextKey(name, now.key, now.desc.Digest, attempt)
		up, err := s.service.reserve(ctx, key)
		if !errors.Is(err, errTaken) || attempt == maxAttempts-1 {
			return key, up, err
		}
		if err := s.await(ctx, name, now); err != nil {
			return "", nil, err
		}
	}
}

// await waits for somebody who has reserved what follows on now. The error wraps
// layers.ErrConflict when name stands for something else.
func (s *Store) await(ctx context.Context, name string, now *commit) error {
	until := time.Now().Add(s.patience)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		later, err := s.current(ctx, name)
		switch {
		case err != nil:
			return err
		case later != nil && (later.key != now.key || later.desc.Digest != now.desc.Digest):
			return conflict(name)
		case time.Now().After(until):
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// assemble makes the content of a snapshot's entry: the head, and all small
// blobs. Those of other snapshots' entries are in it once more, so that it needs
// none of these, which may be deleted or evicted.
func (s *Store) assemble(ctx context.Context, mediaType string, manifest []byte) ([]byte, error) {
	children, err := childrenOf(manifest)
	if err != nil {
		return nil, &failure{op: "write", what: "a manifest", cause: err}
	}
	h := &head{MediaType: mediaType, Manifest: manifest, Blobs: map[string]place{}}
	var packed []byte
	for _, digest := range children {
		if _, twice := h.Blobs[digest.String()]; twice {
			continue
		}
		content, at, err := s.packable(ctx, digest, maxWaiting-len(packed))
		if err != nil {
			return nil, fmt.Errorf("the manifest names a blob that is not there: %w", err)
		}
		if content != nil {
			at = place{Offset: int64(len(packed)), Size: int64(len(content))}
			packed = append(packed, content...)
		}
		h.Blobs[digest.String()] = at
	}
	content, err := h.encode()
	return append(content, packed...), err
}

// packable returns the content of a blob if that belongs into a snapshot's entry,
// else where the blob is. A small blob for which there is no room left becomes an
// entry of its own.
func (s *Store) packable(ctx context.Context, digest v1.Hash, room int) ([]byte, place, error) {
	s.mu.Lock()
	content, waiting := s.held[digest], s.waiting[digest]
	s.mu.Unlock()
	if waiting {
		return content, place{}, nil
	}
	at, err := s.locate(ctx, digest)
	if _, shared := nameOf(at.Entry); err != nil || !shared {
		return nil, at, err
	}
	if content == nil {
		if content, err = s.slice(ctx, at.Entry, at.Offset, at.Size); err != nil {
			return nil, place{}, err
		}
	}
	if hashOf(content) != digest {
		return nil, place{}, &failure{op: "read", what: "blob " + digest.String(), cause: layers.ErrCorrupt}
	}
	if len(content) <= room {
		return content, place{}, nil
	}
	if _, err := s.whole(ctx, digest, digest, content); err != nil {
		return nil, place{}, err
	}
	at, err = s.locate(ctx, digest)
	return nil, at, err
}

// childrenOf lists the blobs of an image manifest.
func childrenOf(manifest []byte) ([]v1.Hash, error) {
	var read struct {
		Config *v1.Descriptor
		Layers []v1.Descriptor
	}
	if err := bounds.JSON(manifest, &read); err != nil {
		return nil, err
	}
	var all []v1.Hash
	if read.Config != nil {
		all = append(all, read.Config.Digest)
	}
	for _, layer := range read.Layers {
		all = append(all, layer.Digest)
	}
	return all, nil
}
