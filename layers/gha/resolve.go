package gha

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/layers"
)

const (
	// firstRead is how much is read of a snapshot's entry at first: in most cases
	// all of it.
	firstRead = 1 << 20
	// maxAttempts is how many keys are tried for an entry that follows on
	// another, when somebody has reserved them and not used them.
	maxAttempts = 3
)

// commit is the entry of a snapshot.
type commit struct {
	key      string
	desc     v1.Descriptor
	manifest []byte
	// damaged says why the entry cannot be read, "" if it can. desc.Digest stands
	// for the entry then.
	damaged string
}

// Resolve implements layers.Store.
func (s *Store) Resolve(ctx context.Context, name string) (v1.Descriptor, []byte, error) {
	now, err := s.current(ctx, name)
	if err != nil {
		return v1.Descriptor{}, nil, err
	}
	if now == nil {
		f := &failure{op: "read", what: name, cause: layers.ErrNotFound}
		if !s.access.reads() {
			f.reason = s.access.reason()
		}
		return v1.Descriptor{}, nil, f
	}
	if now.damaged != "" {
		return v1.Descriptor{}, nil, &layers.DamagedError{Where: layers.At(s.String(), name), What: now.damaged, Digest: now.desc.Digest}
	}
	return now.desc, now.manifest, nil
}

// current is what a name stands for, nil for nothing. A run that may only write
// finds nothing.
func (s *Store) current(ctx context.Context, name string) (*commit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	switch {
	case s.access == WriteOnly:
		return nil, nil
	case !s.access.reads():
		return nil, s.access.denied("read", name)
	}
	found, err := s.service.find(ctx, namePrefix(name))
	if err != nil || found == nil {
		return nil, err
	}
	if !strings.HasPrefix(strings.ToLower(found.key), namePrefix(name)) {
		return nil, nil
	}
	now, err := s.read(ctx, name, found)
	for s.version == 1 && err == nil {
		// Some services that speak version 1 know times in seconds only: of what
		// was written in the same one, they may find any.
		var later *commit
		if later, err = s.follower(ctx, name, now); later == nil {
			break
		}
		now = later
	}
	return now, err
}

// follower returns the entry that follows on another one, nil if there is none.
func (s *Store) follower(ctx context.Context, name string, after *commit) (*commit, error) {
	var keys []string
	for attempt := range maxAttempts {
		keys = append(keys, nextKey(name, after.key, after.desc.Digest, maxAttempts-1-attempt))
	}
	found, err := s.service.find(ctx, keys...)
	if err != nil || found == nil {
		return nil, err
	}
	return s.read(ctx, name, found)
}

// read reads the entry of a snapshot, unless that is known: entries do not
// change.
func (s *Store) read(ctx context.Context, name string, from *entry) (*commit, error) {
	s.mu.Lock()
	s.urls[from.key] = from.url
	known := s.heads[from.address()]
	s.mu.Unlock()
	if known != nil {
		return known, nil
	}
	content, err := s.slice(ctx, from.key, 0, firstRead)
	if errors.Is(err, layers.ErrNotFound) {
		return s.withoutContent(ctx, from.key)
	}
	if err != nil {
		return nil, err
	}
	if size, err := headSize(content); err == nil && size > int64(len(content)) {
		rest, err := s.slice(ctx, from.key, int64(len(content)), size-int64(len(content)))
		if err != nil {
			return nil, err
		}
		content = append(content, rest...)
	}
	h, err := decodeHead(from.key, content)
	if err != nil {
		return damagedCommit(from.key, err.Error()), nil
	}
	made := s.remember(from.key, h, content)
	s.mu.Lock()
	s.heads[from.address()] = made
	s.mu.Unlock()
	return made, nil
}

// withoutContent is an entry that the service knows and the storage does not, nil
// if the service does not know it any more.
func (s *Store) withoutContent(ctx context.Context, key string) (*commit, error) {
	found, err := s.exact(ctx, key)
	if err != nil || found == nil {
		return nil, err
	}
	return damagedCommit(key, "its content is lost"), nil
}

// damagedCommit is an entry that cannot be read. What stands for its digest
// belongs to this entry and to no other.
func damagedCommit(key, why string) *commit {
	return &commit{key: key, desc: v1.Descriptor{Digest: hashOf([]byte(key))}, damaged: fmt.Sprintf("the entry %s: %s", key, why)}
}

// remember keeps what the entry of a snapshot says, and the blobs that were read
// with it.
func (s *Store) remember(key string, h *head, content []byte) *commit {
	made := &commit{key: key, manifest: h.Manifest, desc: v1.Descriptor{
		MediaType: types.MediaType(h.MediaType), Digest: hashOf(h.Manifest), Size: int64(len(h.Manifest)),
	}}
	s.mu.Lock()
	defer s.mu.Unlock()
	for text, at := range h.Blobs {
		digest, err := v1.NewHash(text)
		if err != nil {
			continue
		}
		s.places[digest] = at
		s.settle(digest)
		if at.Entry != key || at.Size > int64(len(content)) || at.Offset > int64(len(content))-at.Size {
			continue
		}
		if blob := content[at.Offset : at.Offset+at.Size]; hashOf(blob) == digest {
			s.held[digest] = blob
		}
	}
	return made
}

// settle notes that a blob is in an entry. The caller has locked s.mu.
func (s *Store) settle(digest v1.Hash) {
	if s.waiting[digest] {
		s.waitingSize -= len(s.held[digest])
		delete(s.waiting, digest)
	}
}

func hashOf(content []byte) v1.Hash {
	sum := sha256.Sum256(content)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}
