package gha

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

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
	h, content, err := s.assemble(ctx, mediaType, manifest)
	if err != nil {
		return v1.Descriptor{}, err
	}
	key, up, err := s.follow(ctx, name, now)
	if err != nil {
		return v1.Descriptor{}, err
	}
	if err := s.ended(ctx, key, up.whole(ctx, content)); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return v1.Descriptor{}, err
	}
	if h, err = decodeHead(key, content); err != nil {
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
		case later != nil && later.key != now.key:
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

// assemble makes the content of a snapshot's entry: the head, and the blobs that
// wait for it.
func (s *Store) assemble(ctx context.Context, mediaType string, manifest []byte) (*head, []byte, error) {
	children, err := childrenOf(manifest)
	if err != nil {
		return nil, nil, &failure{op: "write", what: "a manifest", cause: err}
	}
	h := &head{MediaType: mediaType, Manifest: manifest, Blobs: map[string]place{}}
	var packed []byte
	for _, digest := range children {
		if _, twice := h.Blobs[digest.String()]; twice {
			continue
		}
		s.mu.Lock()
		content, waiting := s.held[digest], s.waiting[digest]
		s.mu.Unlock()
		if waiting {
			h.Blobs[digest.String()] = place{Offset: int64(len(packed)), Size: int64(len(content))}
			packed = append(packed, content...)
			continue
		}
		if h.Blobs[digest.String()], err = s.locate(ctx, digest); err != nil {
			return nil, nil, fmt.Errorf("the manifest names what is not there: %w", err)
		}
	}
	content, err := h.encode()
	return h, append(content, packed...), err
}

// childrenOf lists the blobs of an image manifest.
func childrenOf(manifest []byte) ([]v1.Hash, error) {
	var read struct {
		Config *v1.Descriptor
		Layers []v1.Descriptor
	}
	if err := json.Unmarshal(manifest, &read); err != nil {
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
