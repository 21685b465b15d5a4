package objects

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Open implements layers.Store.
func (s *Store) Open(ctx context.Context, blob v1.Descriptor, offset, length int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if offset < 0 || length < -1 {
		return nil, s.failed(ctx, "read", fmt.Errorf("invalid range: offset %d, length %d", offset, length))
	}
	key := s.blobKey(blob.Digest)
	if length == 0 {
		if _, err := s.config.Service.Head(ctx, key); err != nil {
			return nil, s.failed(ctx, "read", fmt.Errorf("blob %s: %w", blob.Digest, err))
		}
		return http.NoBody, nil
	}
	if length > math.MaxInt64-offset {
		length = -1
	}
	body, _, err := s.config.Service.Get(ctx, key, offset, length)
	if status(err) == http.StatusRequestedRangeNotSatisfiable {
		return http.NoBody, nil
	}
	if err != nil {
		return nil, s.failed(ctx, "read", fmt.Errorf("blob %s: %w", blob.Digest, err))
	}
	return &reader{ctx: ctx, store: s, body: body, left: length}, nil
}

// reader is a part of a blob. It returns the context's error once that has
// ended, and not more than it was asked for.
type reader struct {
	ctx   context.Context // of the Open that it came from
	store *Store
	body  io.ReadCloser
	left  int64 // -1: to the end
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.left >= 0 {
		p = p[:min(int64(len(p)), r.left)]
		if r.left == 0 {
			return 0, io.EOF
		}
	}
	n, err := r.body.Read(p)
	if r.left >= 0 {
		r.left -= int64(n)
	}
	if err != nil && err != io.EOF {
		err = r.store.failed(r.ctx, "read", err)
	}
	return n, err
}

// Close implements io.Closer.
func (r *reader) Close() error { return r.body.Close() }
