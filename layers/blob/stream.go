package blob

import (
	"context"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/web"
)

// stream reads a part of a blob through one connection, and continues where it
// was when that breaks off. It is not safe for concurrent use.
type stream struct {
	*web.Reader
	blob v1.Descriptor
}

// newStream returns a reader of the bytes of a blob from offset to end.
func newStream(ctx context.Context, source Source, blob v1.Descriptor, offset, end int64) *stream {
	s := &stream{blob: blob}
	s.Reader = web.NewReader(ctx, offset, end, func(offset int64) (io.ReadCloser, error) {
		length := s.End - offset
		if s.End == blob.Size {
			length = -1
		}
		return source.Open(ctx, blob, offset, length)
	})
	return s
}

// Read implements io.Reader. It ends with io.EOF at the end of the part and
// nowhere else. A source that ends a blob too early every time has lost the rest
// of it.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	gave, gaveUp := err.(*web.GaveUp) //nolint:errorlint // and nothing that the source says
	switch {
	case err == nil, err == io.EOF:
		return n, err
	case gaveUp && gave.Cause == io.EOF:
		return n, fmt.Errorf("blob %s ends after %d of %d bytes: %w", s.blob.Digest, s.Offset, s.blob.Size, ErrCorrupt)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return n, err
	}
	return n, fmt.Errorf("reading blob %s at byte %d of %d: %w", s.blob.Digest, s.Offset, s.blob.Size, err)
}
