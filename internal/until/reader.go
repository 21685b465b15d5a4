// Package until has a reader that is read no longer than a context lasts.
//
// What it is not for: ending a Read that waits already, which only what is read from
// can do.
package until

import (
	"context"
	"io"
)

// Reader returns a reader of r that fails with the context's error once that has
// ended.
func Reader(ctx context.Context, r io.Reader) io.Reader { return reader{ctx, r} }

type reader struct {
	ctx context.Context // of the call that the reader belongs to
	io.Reader
}

// Read implements io.Reader.
func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
