package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// source is the content of an upload, as net/http reads it. net/http may go on
// reading after a request has failed; source keeps it from doing so once Push
// has returned, and never closes what is being read.
type source struct {
	from io.ReadCloser

	mu      sync.Mutex
	hash    hash.Hash
	n       int64
	eof     bool
	reading bool
	stopped bool
	closed  bool
	err     error // of from
}

func newSource(from io.ReadCloser) *source {
	return &source{from: from, hash: sha256.New()}
}

var errStopped = errors.New("the upload has ended")

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return 0, errStopped
	}
	s.reading = true
	s.mu.Unlock()

	n, err := s.from.Read(p)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = false
	if s.stopped {
		s.close()
		return 0, errStopped
	}
	s.hash.Write(p[:n])
	s.n += int64(n)
	switch {
	case err == io.EOF:
		s.eof = true
	case err != nil:
		s.err = err
	}
	return n, err
}

// Close implements io.Closer for net/http, which closes a body as soon as it
// has no use for it. The source itself is closed by stop.
func (s *source) Close() error { return nil }

// stop ends reading. It does not wait for a Read that is under way: that one
// closes what it reads from when it is done.
func (s *source) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if !s.reading {
		s.close()
	}
}

// close closes what is read from, once. The caller holds mu.
func (s *source) close() {
	if s.closed {
		return
	}
	s.closed = true
	if err := s.from.Close(); err != nil && s.err == nil {
		s.err = err
	}
}

// finish returns the digest of the content after it has been read to its end
// and closed without an error.
func (s *source) finish() (v1.Hash, error) {
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return v1.Hash{}, s.err
	}
	if !s.eof {
		return v1.Hash{}, errors.New("the registry did not take the whole content")
	}
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(s.hash.Sum(nil))}, nil
}

// failed is the error of reading what is uploaded, as opposed to sending it.
func (s *source) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *source) size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}
