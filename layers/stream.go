package layers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// maxAttempts is how often a stream is opened again without one byte of
// progress.
const maxAttempts = 5

// stream reads a part of a blob through one connection, and continues where it
// was when that breaks off. It is not safe for concurrent use.
type stream struct {
	ctx   context.Context // of the read that it belongs to
	store Store
	blob  v1.Descriptor
	// offset is the next byte, end the one after the last.
	offset, end int64
	open        io.ReadCloser
	failed      int
	lastErr     error
}

// Read implements io.Reader. It ends with io.EOF at end and nowhere else.
func (s *stream) Read(p []byte) (int, error) {
	for s.offset < s.end {
		if s.open == nil {
			if err := s.connect(); err != nil {
				return 0, err
			}
		}
		n, err := s.open.Read(p[:min(int64(len(p)), s.end-s.offset)])
		if err != nil {
			s.Close()
			s.lastErr = err
		}
		if n > 0 {
			s.offset += int64(n)
			s.failed = 0
			return n, nil
		}
	}
	return 0, io.EOF
}

// connect opens the rest of the part.
func (s *stream) connect() error {
	for {
		if s.failed >= maxAttempts {
			return s.giveUp()
		}
		if err := s.pause(); err != nil {
			return err
		}
		s.failed++
		length := s.end - s.offset
		if s.end == s.blob.Size {
			length = -1
		}
		open, err := s.store.Open(s.ctx, s.blob, s.offset, length)
		if err == nil {
			s.open = open
			return nil
		}
		if s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDenied) || errors.Is(err, ErrGaveUp) {
			return fmt.Errorf("reading blob %s: %w", s.blob.Digest, err)
		}
		s.lastErr = err
	}
}

// giveUp says why nothing more can be read. A store that ends a blob too early
// every time has lost the rest of it.
func (s *stream) giveUp() error {
	if s.lastErr == io.EOF {
		return fmt.Errorf("blob %s ends after %d of %d bytes: %w", s.blob.Digest, s.offset, s.blob.Size, ErrCorrupt)
	}
	return fmt.Errorf("reading blob %s: failed %d times at byte %d of %d: %w",
		s.blob.Digest, s.failed, s.offset, s.blob.Size, s.lastErr)
}

// pause waits the longer, the more attempts have failed in a row.
func (s *stream) pause() error {
	if s.failed == 0 || s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	timer := time.NewTimer(50 * time.Millisecond << s.failed)
	defer timer.Stop()
	select {
	case <-s.ctx.Done():
		return s.ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Close ends the connection. A Read after it makes a new one.
func (s *stream) Close() error {
	if s.open == nil {
		return nil
	}
	open := s.open
	s.open = nil
	return open.Close()
}
