package gha

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/layers"
)

const (
	// maxSmall is how large a blob can be that shares an entry with others, and
	// maxWaiting how much of them can wait for that.
	maxSmall   = 1 << 20
	maxWaiting = 16 << 20
)

// Push implements layers.Store. A small blob waits in memory for the Commit.
func (s *Store) Push(ctx context.Context, want v1.Descriptor, open func() (io.ReadCloser, error)) (layers.Pushed, error) {
	if err := ctx.Err(); err != nil {
		return layers.Pushed{}, err
	}
	if want.Digest != (v1.Hash{}) {
		size, ok, err := s.has(ctx, want)
		if err != nil {
			return layers.Pushed{}, err
		}
		if ok {
			want.Size = size
			return layers.Pushed{Descriptor: want}, nil
		}
	}
	if err := s.refuseWrite("blobs"); err != nil {
		return layers.Pushed{}, err
	}
	if err := s.pool.enter(ctx); err != nil {
		return layers.Pushed{}, err
	}
	defer s.pool.leave()
	source, err := open()
	if err != nil {
		return layers.Pushed{}, err
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	content := newFeed(inner, source, s.pool)
	sent, err := s.upload(inner, content, want)
	if stopped := content.stop(ctx, cancel); stopped != nil {
		return layers.Pushed{}, stopped
	}
	switch {
	case ctx.Err() != nil:
		return layers.Pushed{}, ctx.Err()
	case err != nil:
		return layers.Pushed{}, err
	}
	want.Digest, want.Size = content.digest, content.size
	return layers.Pushed{Descriptor: want, Sent: sent}, nil
}

// has reports whether a blob is there, and its size.
func (s *Store) has(ctx context.Context, want v1.Descriptor) (size int64, ok bool, err error) {
	if content, ok := s.inMemory(want.Digest); ok {
		return int64(len(content)), true, nil
	}
	s.mu.Lock()
	at, known := s.places[want.Digest]
	s.mu.Unlock()
	if !s.access.reads() || !known && want.Size <= maxSmall && want.Size > 0 {
		return 0, false, nil // a small one could only be in an entry that is known
	}
	if known {
		url, err := s.address(ctx, at.Entry)
		if err != nil {
			return 0, false, err
		}
		if url == "" { // evicted
			s.mu.Lock()
			delete(s.places, want.Digest)
			s.mu.Unlock()
		}
		known = url != ""
	}
	if !known {
		at, err = s.locate(ctx, want.Digest)
	}
	switch {
	case errors.Is(err, layers.ErrNotFound):
		return 0, false, nil
	case err != nil:
		return 0, false, err
	case at.Size >= 0:
		return at.Size, true, nil
	}
	return want.Size, true, nil
}

// upload stores the content as whatever suits its size, and returns how much of
// it was sent, or will be.
func (s *Store) upload(ctx context.Context, content *feed, want v1.Descriptor) (int64, error) {
	first, ok := <-content.blocks
	if !ok {
		return 0, content.err
	}
	if !first.last {
		return s.stream(ctx, content, first, want.Digest)
	}
	defer s.pool.put(first.data)
	<-content.done
	if content.err != nil {
		return 0, content.err
	}
	if err := agree(want.Digest, content.digest); err != nil {
		return 0, err
	}
	if s.hold(content.digest, first.data) {
		return content.size, nil
	}
	if _, ok, err := s.has(ctx, v1.Descriptor{Digest: content.digest, Size: content.size}); ok || err != nil {
		return 0, err
	}
	return s.whole(ctx, content.digest, first.data)
}

func agree(want, got v1.Hash) error {
	if want != (v1.Hash{}) && want != got {
		return &failure{op: "write", what: "blob " + want.String(), cause: fmt.Errorf("the content has digest %s", got)}
	}
	return nil
}

// hold keeps a small blob for the next Commit.
func (s *Store) hold(digest v1.Hash, content []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.held[digest]; ok {
		return true
	}
	if len(content) > 0 && (len(content) > maxSmall || s.waitingSize+len(content) > maxWaiting) {
		return false
	}
	s.held[digest] = bytes.Clone(content)
	s.waiting[digest] = true
	s.waitingSize += len(content)
	return true
}

// whole stores a blob that is in memory.
func (s *Store) whole(ctx context.Context, digest v1.Hash, content []byte) (int64, error) {
	key, up, err := s.reserve(ctx, digest)
	if err != nil {
		return 0, err
	}
	if up != nil {
		err = s.ended(ctx, key, up.whole(ctx, content))
	}
	if err != nil {
		return 0, err
	}
	s.learn(digest, place{Entry: key, Size: int64(len(content))})
	if up == nil {
		return 0, nil
	}
	return int64(len(content)), nil
}

// reserve begins an entry for a blob. There is no upload if there is the blob.
// Where the key is taken by somebody who may never end, the entry has another
// one.
func (s *Store) reserve(ctx context.Context, digest v1.Hash) (key string, up upload, err error) {
	if digest != (v1.Hash{}) {
		key = blobKey(digest)
		up, err = s.service.reserve(ctx, key)
		if !errors.Is(err, errTaken) {
			return key, up, err
		}
		if s.access.reads() {
			if found, err := s.exact(ctx, key); err != nil || found != nil {
				return key, nil, err
			}
		}
	}
	key = streamKey()
	up, err = s.service.reserve(ctx, key)
	return key, up, err
}

// stream stores a blob of which only the first block is known.
func (s *Store) stream(ctx context.Context, content *feed, block feedBlock, want v1.Hash) (int64, error) {
	key, up, err := s.reserve(ctx, want)
	if err != nil || up == nil {
		s.pool.put(block.data)
		if err == nil {
			s.learn(want, place{Entry: key, Size: -1})
		}
		return 0, err
	}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	var parts int
	var offset int64
	for ok := true; ok; block, ok = <-content.blocks {
		number, at, data := parts, offset, block.data
		parts, offset = parts+1, offset+int64(len(data))
		group.Go(func() error {
			defer s.pool.put(data)
			return up.part(inner, number, at, data)
		})
		if inner.Err() != nil {
			break
		}
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	<-content.done
	if content.err != nil {
		return 0, content.err
	}
	if err := agree(want, content.digest); err != nil {
		return 0, err
	}
	if want == (v1.Hash{}) {
		// It may be there by its digest. Then this upload is left as it is, and
		// nobody finds it.
		if _, ok, err := s.has(ctx, v1.Descriptor{Digest: content.digest, Size: content.size}); ok || err != nil {
			return content.size, err
		}
	}
	if err := s.ended(ctx, key, up.end(ctx, parts, content.size)); err != nil {
		return 0, err
	}
	s.learn(content.digest, place{Entry: key, Size: content.size})
	return content.size, nil
}

// ended is the error of a blob's upload, unless the entry is there: the answer may
// have been lost.
func (s *Store) ended(ctx context.Context, key string, err error) error {
	if err == nil || ctx.Err() != nil || errors.Is(err, layers.ErrDenied) {
		return err
	}
	if found, _ := s.exact(ctx, key); found != nil {
		return nil
	}
	return err
}

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }
