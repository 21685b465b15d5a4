package base

import (
	"context"
	"errors"
	"io"
	"sync"
)

// Until returns a reader that ends with ctx.
func Until(ctx context.Context, r io.Reader) io.Reader {
	return &until{r, ctx.Done(), ctx.Err}
}

type until struct {
	io.Reader
	done <-chan struct{}
	err  func() error
}

// Read implements io.Reader.
func (u *until) Read(p []byte) (int, error) {
	select {
	case <-u.done:
		return 0, u.err()
	default:
		return u.Reader.Read(p)
	}
}

// ReadErrors keeps the first error of reading what goes to another process, which
// can be told only that there is no more. It is safe for concurrent use.
type ReadErrors struct {
	mu  sync.Mutex
	err error
}

// Of returns a reader whose errors are kept.
func (e *ReadErrors) Of(r io.Reader) io.Reader { return &noting{r, e} }

// Add keeps an error, if it is the first.
func (e *ReadErrors) Add(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil {
		e.err = err
	}
}

// First returns the first error, or nil.
func (e *ReadErrors) First() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

type noting struct {
	io.Reader
	errors *ReadErrors
}

// Read implements io.Reader.
func (n *noting) Read(p []byte) (int, error) {
	count, err := n.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		n.errors.Add(err)
	}
	return count, err
}
