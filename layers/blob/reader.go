package blob

import (
	"context"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Source is where blobs are read from.
type Source interface {
	// Open reads length bytes of a blob from offset on; length -1 reads to the
	// end. A transfer that breaks off is continued with another call, unless the
	// error is a *web.GaveUp.
	Open(ctx context.Context, blob v1.Descriptor, offset, length int64) (io.ReadCloser, error)
}

// Reader reads a blob from its beginning to its end and verifies it: it ends with
// ErrCorrupt in place of io.EOF if the bytes are not those of the descriptor. It is
// not safe for concurrent use, and has to be closed.
type Reader struct {
	ranges   *rangeReader
	verified *verifier
	err      error
}

// Open returns a reader of a blob. With memory, it may read ranges side by side;
// nil keeps to one connection. The context must live as long as the reader.
func Open(ctx context.Context, source Source, blob v1.Descriptor, memory *Memory) *Reader {
	ranges := openRanges(ctx, source, blob, memory)
	return &Reader{ranges: ranges, verified: newVerifier(ranges, blob)}
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	n, err := r.verified.Read(p)
	if err != nil && r.err == nil {
		r.err = err
	}
	return n, err
}

// Close implements io.Closer. It ends every connection.
func (r *Reader) Close() error { return r.ranges.Close() }

// Received is how many bytes came out of the source so far.
func (r *Reader) Received() int64 { return r.verified.read }

// Err is how reading ended early; nil if it has not.
func (r *Reader) Err() error {
	if errors.Is(r.err, io.EOF) {
		return nil
	}
	return r.err
}

// blame returns the reader's own error if it had one; otherwise the bytes
// themselves are at fault.
func (r *Reader) blame(err error) error {
	if r.Err() != nil {
		return r.err
	}
	return fmt.Errorf("decoding: %w: %w", err, ErrCorrupt)
}
