package ocidir

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/userfile"
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
	if length == -1 {
		length = math.MaxInt64 - offset
	}
	return &reader{ctx, io.NewSectionReader(file, offset, length), file, s}, nil
}

// reader is a part of a blob. It returns the context's error once that has
// ended.
type reader struct {
	ctx     context.Context // of the Open that it came from
	section *io.SectionReader
	file    *os.File
	store   *Store
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.section.Read(p)
	if err != nil && err != io.EOF {
		err = r.store.failed("read", err)
	}
	return n, err
}

// Close implements io.Closer.
func (r *reader) Close() error { return r.file.Close() }
