package gha

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
)

// Open implements layers.Store. Where a blob of another Store is, this one knows
// after a Resolve of a name that leads to it.
func (s *Store) Open(ctx context.Context, blob v1.Descriptor, offset, length int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if offset < 0 || length < -1 {
		return nil, &failure{op: "read", what: "blob " + blob.Digest.String(), cause: fmt.Errorf("invalid range: offset %d, length %d", offset, length)}
	}
	if content, ok := s.inMemory(blob.Digest); ok {
		if length == -1 {
			length = math.MaxInt64 - offset
		}
		return layers.Part(ctx, io.NopCloser(io.NewSectionReader(bytes.NewReader(content), offset, length)), -1, nil), nil
	}
	at, err := s.locate(ctx, blob.Digest)
	if err != nil {
		return nil, err
	}
	if at.Size >= 0 {
		if left := max(0, at.Size-offset); length == -1 || length > left {
			length = left
		}
	}
	if length == 0 {
		url, err := s.address(ctx, at.Entry)
		if err == nil && url == "" {
			err = notThere("blob " + blob.Digest.String())
		}
		return http.NoBody, err
	}
	return s.open(ctx, at.Entry, "blob "+blob.Digest.String(), at.Offset+offset, length)
}

// slice reads a part of an entry into memory.
func (s *Store) slice(ctx context.Context, key string, offset, length int64) ([]byte, error) {
	r, err := s.open(ctx, key, key, offset, length)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// open reads a part of an entry. A URL that has expired is asked for again.
func (s *Store) open(ctx context.Context, key, what string, offset, length int64) (io.ReadCloser, error) {
	// Identity, or else a proxy or the transport may unpack what is in it.
	k := call{op: "read", what: what, method: http.MethodGet, header: http.Header{"Accept-Encoding": {"identity"}}}
	if r := byteRange(offset, length); r != "" {
		k.header.Set("Range", r)
	}
	for attempt := 0; ; attempt++ {
		var err error
		if k.url, err = s.address(ctx, key); err != nil {
			return nil, err
		}
		if k.url == "" {
			return nil, notThere(what)
		}
		resp, err := s.client.send(ctx, k)
		if err != nil {
			return nil, err
		}
		switch resp.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
			if s.forget(key); attempt == 0 {
				web.Drop(resp)
				continue
			}
		}
		body, err := s.part(resp, k, offset)
		if err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return nil, err
		}
		return layers.Part(ctx, body, length, func(err error) error { return &failure{op: "read", what: what, cause: bare(err)} }), nil
	}
}

// byteRange is the value of the Range header, "" for all of it.
func byteRange(offset, length int64) string {
	switch {
	case length >= 0 && length <= math.MaxInt64-offset:
		return fmt.Sprintf("bytes=%d-%d", offset, offset+length-1)
	case offset > 0:
		return fmt.Sprintf("bytes=%d-", offset)
	}
	return ""
}

// part returns the body of an answer to a request for a range, placed at offset.
func (s *Store) part(resp *http.Response, k call, offset int64) (io.ReadCloser, error) {
	fail := func(err error) (io.ReadCloser, error) {
		resp.Body.Close()
		return nil, &failure{op: k.op, what: k.what, cause: err}
	}
	switch resp.StatusCode {
	case http.StatusPartialContent:
		var from, to int64
		value := resp.Header.Get("Content-Range")
		if _, err := fmt.Sscanf(value, "bytes %d-%d/", &from, &to); err != nil || from != offset {
			return fail(fmt.Errorf("asked for bytes from %d on, got %q", offset, printable(value)))
		}
		return resp.Body, nil
	case http.StatusOK: // of storage that does not know ranges
		if _, err := io.CopyN(io.Discard, resp.Body, offset); err != nil && err != io.EOF {
			return fail(bare(err))
		}
		return resp.Body, nil
	case http.StatusRequestedRangeNotSatisfiable:
		resp.Body.Close()
		return http.NoBody, nil
	case http.StatusGone:
		resp.Body.Close()
		return nil, notThere(k.what)
	}
	err := s.client.answered(resp, k)
	if f, ok := errors.AsType[*failure](err); ok && errors.Is(f.cause, layers.ErrDenied) {
		f.hint = "the storage refused the URL that the cache service gave"
	}
	return nil, err
}
