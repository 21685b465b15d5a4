package ocidir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/userfile"
	"github.com/pack-cache/pack-cache/layers"
)

// Open implements layers.Store.
func (s *Store) Open(ctx context.Context, blob v1.Descriptor, offset, length int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if offset < 0 || length < -1 {
		return nil, s.failed("read", fmt.Errorf("invalid range: offset %d, length %d", offset, length))
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, s.failed("read", err)
	}
	defer root.Close()
	file, err := userfile.OpenIn(root, blobPath(blob.Digest))
	if err != nil {
		return nil, s.failed("read", err)
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return nil, errors.Join(s.failed("read", err), file.Close())
	}
	return layers.Part(ctx, file, length, func(err error) error { return s.failed("read", err) }), nil
}
