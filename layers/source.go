package layers

import (
	"errors"
	"fmt"
	"io"
)

// stickyReader remembers how its source ended.
type stickyReader struct {
	from io.Reader
	err  error
}

// Read implements io.Reader.
func (r *stickyReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if err != nil && r.err == nil {
		r.err = err
	}
	return n, err
}

// failed reports whether the source ended before its end.
func (r *stickyReader) failed() bool { return r.err != nil && !errors.Is(r.err, io.EOF) }

// blame returns the source's own error if it had one; otherwise the bytes
// themselves are at fault.
func (r *stickyReader) blame(err error) error {
	if r.failed() {
		return r.err
	}
	return fmt.Errorf("decoding: %w: %w", err, ErrCorrupt)
}

// countingReader counts what passes.
type countingReader struct {
	from io.Reader
	read int64
}

// Read implements io.Reader.
func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.read += int64(n)
	return n, err
}
