package sandbox

import (
	"errors"
	"io"
	"sync"
)

// readErrors keeps the first error of reading what goes to another process
// through a pipe, which can tell that process only that there is no more.
type readErrors struct {
	mu  sync.Mutex
	err error
}

// of returns a reader whose errors are kept.
func (e *readErrors) of(r io.Reader) io.Reader { return &notingReader{r, e} }

func (e *readErrors) add(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil {
		e.err = err
	}
}

// first returns the first error, or nil.
func (e *readErrors) first() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

type notingReader struct {
	io.Reader
	errors *readErrors
}

// Read implements io.Reader.
func (r *notingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.errors.add(err)
	}
	return n, err
}
