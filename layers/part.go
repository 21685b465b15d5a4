package layers

import (
	"context"
	"io"
)

// Part returns what Store.Open returns: length bytes of body, or all of them if length
// is -1. It returns the error of ctx once that has ended, whatever body does. failed
// makes an error of the store of any other that reading brings; nil leaves it.
func Part(ctx context.Context, body io.ReadCloser, length int64, failed func(error) error) io.ReadCloser {
	return &part{ctx, body, length, failed}
}

// part keeps a context because an io.Reader has no other way to get one.
type part struct {
	ctx    context.Context // of the Open that it came from
	body   io.ReadCloser
	left   int64 // -1: to the end
	failed func(error) error
}

// Read implements io.Reader.
func (p *part) Read(to []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	if p.left == 0 {
		return 0, io.EOF
	}
	if p.left > 0 {
		to = to[:min(int64(len(to)), p.left)]
	}
	n, err := p.body.Read(to)
	if p.left > 0 {
		p.left -= int64(n)
	}
	switch {
	case err == nil, err == io.EOF:
	case p.ctx.Err() != nil:
		err = p.ctx.Err()
	case p.failed != nil:
		err = p.failed(err)
	}
	return n, err
}

// Close implements io.Closer.
func (p *part) Close() error { return p.body.Close() }
