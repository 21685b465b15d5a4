package objects

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers"
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
	return layers.Part(ctx, body, length, func(err error) error { return s.failed(ctx, "read", err) }), nil
}
