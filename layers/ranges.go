package layers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// maxAttempts is how often a stream is opened again without one byte of
// progress.
const maxAttempts = 5

// blobReader reads a blob from a store and continues where it was when a stream
// breaks off. It is not safe for concurrent use.
type blobReader struct {
	ctx    context.Context
	store  Store
	blob   v1.Descriptor
	stream io.ReadCloser
	offset int64
	failed int
}

// openBlob returns a reader of the whole blob. Nothing is verified but the
// size. The context lives as long as the reader.
func openBlob(ctx context.Context, store Store, blob v1.Descriptor) io.ReadCloser {
	return &blobReader{ctx: ctx, store: store, blob: blob}
}

// Read implements io.Reader.
func (r *blobReader) Read(p []byte) (int, error) {
	for {
		if r.offset == r.blob.Size {
			return 0, io.EOF
		}
		if r.stream == nil {
			if err := r.open(); err != nil {
				return 0, err
			}
		}
		n, err := r.stream.Read(p)
		if n > 0 {
			r.offset += int64(n)
			r.failed = 0
		}
		if err != nil {
			r.stream.Close()
			r.stream = nil
		}
		if n > 0 {
			return n, nil
		}
		if err := r.ctx.Err(); err != nil {
			return 0, err
		}
	}
}

func (r *blobReader) open() error {
	for {
		if err := r.pause(); err != nil {
			return err
		}
		stream, err := r.store.Open(r.ctx, r.blob, r.offset, -1)
		r.failed++
		if err == nil {
			r.stream = stream
			return nil
		}
		final := errors.Is(err, ErrNotFound) || errors.Is(err, ErrDenied) || r.ctx.Err() != nil
		if final || r.failed >= maxAttempts {
			return fmt.Errorf("reading blob %s: %w", r.blob.Digest, err)
		}
	}
}

// pause waits the longer, the more attempts have failed.
func (r *blobReader) pause() error {
	if r.failed == 0 {
		return r.ctx.Err()
	}
	if r.failed >= maxAttempts {
		return fmt.Errorf("reading blob %s: broke off %d times at byte %d", r.blob.Digest, r.failed, r.offset)
	}
	timer := time.NewTimer(100 * time.Millisecond << r.failed)
	defer timer.Stop()
	select {
	case <-r.ctx.Done():
		return r.ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Close implements io.Closer.
func (r *blobReader) Close() error {
	if r.stream == nil {
		return nil
	}
	return r.stream.Close()
}
