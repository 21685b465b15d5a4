package base

import (
	"errors"
	"io"
	"sync"
)

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
