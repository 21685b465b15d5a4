package layers

import (
	"context"
	"errors"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// source is a store as package blob reads it: it is not asked again for what it does
// not have or does not give.
type source struct{ Store }

var _ blob.Source = source{}

// Open implements blob.Source.
func (s source) Open(ctx context.Context, blob v1.Descriptor, offset, length int64) (io.ReadCloser, error) {
	reader, err := s.Store.Open(ctx, blob, offset, length)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDenied) {
		err = &web.GaveUp{Cause: err}
	}
	return reader, err
}

// openBlob returns a reader of a blob of a store. With memory, it may read ranges side
// by side.
func openBlob(ctx context.Context, store Store, content v1.Descriptor, memory *blob.Memory) *blob.Reader {
	return blob.Open(ctx, source{store}, content, memory)
}
