package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// source is the content of an upload on its way to net/http, which waits for a
// Read of a request's body even when the request's context has ended. The
// content is therefore read by a goroutine of its own, and the body is a pipe
// that can be closed at any time.
type source struct {
	*io.PipeReader
	// done is closed when the content has been closed. The rest is set then.
	done   chan struct{}
	digest v1.Hash
	size   int64
	// failed is the error of reading or closing the content.
	failed error
	// whole says that all of the content has gone into the pipe.
	whole bool
}

var errStopped = errors.New("the upload has ended")

// newSource begins to read from, and will close it. When ctx ends, so does the
// pipe; a Read of from that is under way then is not waited for.
func newSource(ctx context.Context, from io.ReadCloser) *source {
	r, w := io.Pipe()
	s := &source{PipeReader: r, done: make(chan struct{})}
	stop := context.AfterFunc(ctx, func() { r.CloseWithError(ctx.Err()) })
	go func() {
		defer stop()
		s.pump(from, w)
	}()
	return s
}

// pump copies the content into the pipe. The end of the content is passed on
// after it has been closed without an error.
func (s *source) pump(from io.ReadCloser, to *io.PipeWriter) {
	hash := sha256.New()
	buf := make([]byte, 64<<10)
	var err error
	for err == nil {
		var n int
		n, err = from.Read(buf)
		hash.Write(buf[:n])
		s.size += int64(n)
		if err != nil && err != io.EOF {
			s.failed = err
		}
		if n > 0 {
			if _, stopped := to.Write(buf[:n]); stopped != nil {
				err = stopped
			}
		}
	}
	s.whole = err == io.EOF
	if closed := from.Close(); closed != nil && s.failed == nil && s.whole {
		s.failed = closed
	}
	s.digest = v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(hash.Sum(nil))}
	close(s.done)
	to.CloseWithError(s.failed) // nil is io.EOF
}

// stop ends the pipe and waits until the content has been closed, or ctx ends.
func (s *source) stop(ctx context.Context) error {
	s.CloseWithError(errStopped)
	select {
	case <-s.done:
	default:
		select {
		case <-s.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.failed
}

// finish returns the digest of the content after all of it has been taken.
func (s *source) finish(ctx context.Context) (v1.Hash, error) {
	if err := s.stop(ctx); err != nil {
		return v1.Hash{}, err
	}
	if !s.whole {
		return v1.Hash{}, errors.New("the registry did not take the whole content")
	}
	return s.digest, nil
}
