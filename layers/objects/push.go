package objects

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers"
)

// cleanUp is how long what is left to do may take after a failure.
const cleanUp = 5 * time.Second

// Push implements layers.Store.
func (s *Store) Push(ctx context.Context, want v1.Descriptor, open func() (io.ReadCloser, error)) (layers.Pushed, error) {
	if want.Digest != (v1.Hash{}) {
		info, err := s.config.Service.Head(ctx, s.blobKey(want.Digest))
		if err == nil && ctx.Err() == nil {
			want.Size = info.Size
			return layers.Pushed{Descriptor: want}, nil
		}
		if !missing(err) {
			return layers.Pushed{}, s.failed(ctx, "write to", err)
		}
	}
	// Those that wait must not have opened their content yet: the contents of
	// different layers may come from the same memory.
	if err := s.pushes.Acquire(ctx, 1); err != nil {
		return layers.Pushed{}, err
	}
	if err := s.ensure(ctx); err != nil {
		s.pushes.Release(1)
		return layers.Pushed{}, s.failed(ctx, "write to", err)
	}
	from, err := open()
	if err != nil {
		s.pushes.Release(1)
		return layers.Pushed{}, err
	}
	p := &push{store: s, from: from, want: want.Digest, hash: sha256.New()}
	done := make(chan error, 1)
	go func() {
		defer s.pushes.Release(1)
		done <- p.run(ctx)
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		// A read of the content that does not end is not waited for.
		select {
		case <-done:
		case <-time.After(cleanUp):
		}
		return layers.Pushed{}, ctx.Err()
	}
	source := (*sourceError)(nil)
	switch {
	case ctx.Err() != nil:
		return layers.Pushed{}, ctx.Err()
	case errors.As(err, &source):
		return layers.Pushed{}, source.error
	case err != nil:
		return layers.Pushed{}, s.failed(ctx, "write to", err)
	}
	want.Digest, want.Size = p.digest(), p.size
	return layers.Pushed{Descriptor: want, Sent: p.size}, nil
}

// push is a blob on its way.
type push struct {
	store *Store
	from  io.ReadCloser
	want  v1.Hash // zero if it is not known
	hash  hash.Hash
	size  int64
}

// sourceError is what is wrong with the content, as opposed to the service.
type sourceError struct{ error }

// Unwrap returns what is wrong.
func (e *sourceError) Unwrap() error { return e.error }

func (p *push) digest() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(p.hash.Sum(nil))}
}

// run stores the content, and closes it in any case.
func (p *push) run(ctx context.Context) (err error) {
	closed := false
	closeSource := func() error {
		if closed {
			return nil
		}
		closed = true
		if err := p.from.Close(); err != nil {
			return &sourceError{err}
		}
		return nil
	}
	defer func() { _ = closeSource() }()
	buffer := p.store.buffers.Get().(*[partSize]byte)
	n, end, err := p.fill(ctx, buffer[:])
	if err != nil {
		p.store.buffers.Put(buffer)
		return err
	}
	if !end {
		return p.large(ctx, buffer, closeSource)
	}
	defer p.store.buffers.Put(buffer)
	if err := errors.Join(closeSource(), p.check()); err != nil {
		return err
	}
	return p.store.config.Service.Put(ctx, p.store.blobKey(p.digest()), "application/octet-stream", buffer[:n], Condition{})
}

// fill reads content until a buffer is full, or the content ends.
func (p *push) fill(ctx context.Context, buffer []byte) (n int, end bool, err error) {
	for n < len(buffer) && !end {
		if err := ctx.Err(); err != nil {
			return 0, false, err
		}
		m, err := p.from.Read(buffer[n:])
		n += m
		if end = err == io.EOF; err != nil && !end {
			return 0, false, &sourceError{err}
		}
	}
	p.hash.Write(buffer[:n])
	p.size += int64(n)
	return n, end, nil
}

// check fails if the content is not what was announced.
func (p *push) check() error {
	if digest := p.digest(); p.want != (v1.Hash{}) && p.want != digest {
		return fmt.Errorf("the content of blob %s has digest %s", p.want, digest)
	}
	return nil
}
