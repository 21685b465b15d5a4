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
	pushed, err := s.upload(inner, content, want)
	if stopped := content.stop(ctx, cancel); stopped != nil {
		return layers.Pushed{}, stopped
	}
	switch {
	case ctx.Err() != nil:
		return layers.Pushed{}, ctx.Err()
	case err != nil:
		return layers.Pushed{}, err
	}
	return pushed, nil
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

// upload stores the content as whatever suits its size.
func (s *Store) upload(ctx context.Context, content *feed, want v1.Descriptor) (layers.Pushed, error) {
	first, ok := <-content.blocks
	if !ok {
		return layers.Pushed{}, content.err
	}
	if !first.last {
		return s.stream(ctx, content, first, want)
	}
	defer s.pool.put(first.data)
	<-content.done
	if content.err != nil {
		return layers.Pushed{}, content.err
	}
	if err := agree(want.Digest, content.digest); err != nil {
		return layers.Pushed{}, err
	}
	want.Digest, want.Size = content.digest, content.size
	if s.hold(content.digest, first.data) {
		return layers.Pushed{Descriptor: want, Sent: content.size}, nil
	}
	key := content.digest
	if same, err := s.compare(ctx, content.digest, first.data); err != nil || same {
		return layers.Pushed{Descriptor: want}, err
	} else if s.knows(content.digest) {
		key = v1.Hash{} // what has its key is damaged
	}
	sent, err := s.whole(ctx, key, content.digest, first.data)
	return layers.Pushed{Descriptor: want, Sent: sent}, err
}

// compare reports whether a blob is there and not damaged. To read it costs no
// more than to send it again, and makes no entry.
func (s *Store) compare(ctx context.Context, digest v1.Hash, content []byte) (bool, error) {
	if !s.access.reads() {
		return false, nil
	}
	at, err := s.locate(ctx, digest)
	if errors.Is(err, layers.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	stored, err := s.slice(ctx, at.Entry, at.Offset, int64(len(content)))
	switch {
	case errors.Is(err, layers.ErrNotFound): // evicted
		s.mu.Lock()
		delete(s.places, digest)
		s.mu.Unlock()
		return false, nil
	case err != nil:
		return false, err
	}
	return bytes.Equal(stored, content), nil
}

// knows reports whether it is known where a blob is.
func (s *Store) knows(digest v1.Hash) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.places[digest]
	return ok
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

// whole stores a blob that is in memory. named is its digest, or the zero Hash for
// an entry that does not have that in its key. It returns how much was sent.
func (s *Store) whole(ctx context.Context, named, digest v1.Hash, content []byte) (int64, error) {
	key, up, err := s.reserve(ctx, named)
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
func (s *Store) stream(ctx context.Context, content *feed, block feedBlock, want v1.Descriptor) (layers.Pushed, error) {
	key, up, err := s.reserve(ctx, want.Digest)
	if err != nil || up == nil {
		s.pool.put(block.data)
		if err == nil {
			s.learn(want.Digest, place{Entry: key, Size: -1})
		}
		return layers.Pushed{Descriptor: want}, err
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
		return layers.Pushed{}, err
	}
	<-content.done
	if content.err != nil {
		return layers.Pushed{}, content.err
	}
	if err := agree(want.Digest, content.digest); err != nil {
		return layers.Pushed{}, err
	}
	if err := s.ended(ctx, key, up.end(ctx, parts, content.size)); err != nil {
		return layers.Pushed{}, err
	}
	// Also if there is another one: that may be damaged, this is not.
	s.learn(content.digest, place{Entry: key, Size: content.size})
	want.Digest, want.Size = content.digest, content.size
	return layers.Pushed{Descriptor: want, Sent: content.size}, nil
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
