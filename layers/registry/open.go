package registry

import (
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

// Open implements layers.Store. What lies beyond the end of the blob is not
// there: reading it gives io.EOF.
func (s *Store) Open(ctx context.Context, blob v1.Descriptor, offset, length int64) (io.ReadCloser, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	subject := c.subject(blob.Digest.String())
	if offset < 0 || length < -1 {
		return nil, &failure{op: "pull", subject: subject, cause: fmt.Errorf("invalid range: offset %d, length %d", offset, length)}
	}
	length = within(blob.Size, offset, length)
	if length == 0 {
		if _, ok, err := c.stat(ctx, "pull", blob.Digest, c.pull()); err != nil || !ok {
			return nil, errors.Join(err, missing(subject, ok))
		}
		return http.NoBody, nil
	}
	// Identity, or else a proxy or the transport may unpack a gzip layer.
	k := call{op: "pull", method: http.MethodGet, url: c.url("blobs", blob.Digest.String()), scopes: c.pull(),
		header: http.Header{"Accept-Encoding": {"identity"}}}
	if r := byteRange(offset, length); r != "" {
		k.header.Set("Range", r)
	}
	resp, err := c.send(ctx, k)
	if err == nil && resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && offset < blob.Size {
		// The blob goes on there: it is such ranges that the registry does not know.
		web.Drop(resp)
		k.header.Del("Range")
		resp, err = c.send(ctx, k)
	}
	if err != nil {
		return nil, err
	}
	body, err := c.part(resp, subject, offset)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	return layers.Part(ctx, body, length, func(err error) error { return &failure{op: "pull", subject: subject, cause: bare(err)} }), nil
}

// within ends a part of a blob where the blob ends, if its size is known: there are
// registries that refuse ranges without an end, or beyond that of the blob. A blob
// that is read from its beginning is read as far as it goes.
func within(size, offset, length int64) int64 {
	switch {
	case size <= 0 || offset == 0 && length == -1:
		return length
	case length == -1:
		return max(size-offset, 0)
	}
	return max(min(length, size-offset), 0)
}

// byteRange is the value of the Range header, empty for the whole blob.
func byteRange(offset, length int64) string {
	switch {
	case length >= 0 && length <= math.MaxInt64-offset:
		return fmt.Sprintf("bytes=%d-%d", offset, offset+length-1)
	case offset > 0:
		return fmt.Sprintf("bytes=%d-", offset)
	}
	return ""
}

// part returns the body of an answer to a request for a range, placed at
// offset.
func (c *client) part(resp *http.Response, subject string, offset int64) (io.ReadCloser, error) {
	switch resp.StatusCode {
	case http.StatusPartialContent:
		var from, to int64
		value := resp.Header.Get("Content-Range")
		if _, err := fmt.Sscanf(value, "bytes %d-%d/", &from, &to); err != nil || from != offset {
			resp.Body.Close()
			return nil, &failure{op: "pull", subject: subject, cause: fmt.Errorf("asked for bytes from %d on, got %q", offset, value)}
		}
		return resp.Body, nil
	case http.StatusOK:
		// The registry does not know ranges.
		if _, err := io.CopyN(io.Discard, resp.Body, offset); err != nil && err != io.EOF {
			resp.Body.Close()
			return nil, &failure{op: "pull", subject: subject, cause: bare(err)}
		}
		return resp.Body, nil
	case http.StatusRequestedRangeNotSatisfiable:
		resp.Body.Close()
		return http.NoBody, nil
	}
	return nil, c.answered(resp, "pull", subject)
}

// stat asks whether a blob is there, and for its size. op is for errors.
func (c *client) stat(ctx context.Context, op string, digest v1.Hash, scopes []string) (size int64, ok bool, err error) {
	k := call{op: op, method: http.MethodHead, url: c.url("blobs", digest.String()), scopes: scopes}
	resp, err := c.send(ctx, k)
	if err != nil {
		return 0, false, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
		resp.Body.Close()
		return resp.ContentLength, true, nil
	case http.StatusNotFound:
		resp.Body.Close()
		return 0, false, nil
	}
	return 0, false, c.answered(resp, k.op, c.subject(digest.String()))
}
