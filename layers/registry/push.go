package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
)

// Push implements layers.Store. The blob goes up in one streamed request
// (distribution specification, "Pushing a blob in chunks", with one chunk of
// unknown length), and is there when the registry has agreed on its digest. An
// upload that fails is cancelled and not tried again: the source can be read
// only once.
func (s *Store) Push(ctx context.Context, want v1.Descriptor, open func() (io.ReadCloser, error)) (layers.Pushed, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return layers.Pushed{}, err
	}
	if want.Digest != (v1.Hash{}) {
		size, ok, err := c.stat(ctx, "push", want.Digest, c.push())
		if err != nil {
			return layers.Pushed{}, err
		}
		if ok {
			want.Size = size
			return layers.Pushed{Descriptor: want}, nil
		}
	}
	opened, err := open()
	if err != nil {
		return layers.Pushed{}, err
	}
	src := newSource(ctx, opened)
	err = c.upload(ctx, src, want.Digest)
	if failed := src.stop(ctx); failed != nil {
		err = failed
	}
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return layers.Pushed{}, err
	}
	want.Digest, want.Size = src.digest, src.size
	return layers.Pushed{Descriptor: want, Sent: src.size}, nil
}

// upload sends src in one upload session. Whatever fails, the session is
// cancelled.
func (c *client) upload(ctx context.Context, src *source, want v1.Hash) (err error) {
	// The session is opened with the source in hand and just before the
	// stream, so that it is here that an old token is renewed.
	session, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			c.cancel(ctx, session)
		}
	}()
	next, err := c.stream(ctx, session, src)
	if err != nil {
		return err
	}
	session = next
	digest, err := src.finish(ctx)
	if err != nil {
		return err
	}
	if want != (v1.Hash{}) && want != digest {
		return &failure{op: "push", subject: c.subject(want.String()), cause: fmt.Errorf("the content has digest %s", digest)}
	}
	return c.end(ctx, session, digest, src.size)
}

// begin opens an upload session and returns its address.
func (c *client) begin(ctx context.Context) (*url.URL, error) {
	k := c.beginCall(nil)
	resp, err := c.send(ctx, k)
	if err != nil {
		return nil, err
	}
	return c.session(resp, k)
}

// beginCall is the request for an upload session. It needs scopes in addition to
// that of pushing.
func (c *client) beginCall(query url.Values, scopes ...string) call {
	u := c.url("blobs", "uploads", "")
	u.RawQuery = query.Encode()
	return call{op: "push to", method: http.MethodPost, url: u, scopes: append(scopes, c.push()...)}
}

// session returns where an upload goes on.
func (c *client) session(resp *http.Response, k call) (*url.URL, error) {
	// Some registries answer a stream with 201 or 204.
	if resp.StatusCode/100 != 2 {
		return nil, c.answered(resp, k.op, c.repo.Name())
	}
	web.Drop(resp)
	// Relative to the host that answered: a redirect may have led elsewhere.
	next, err := resp.Request.URL.Parse(resp.Header.Get("Location"))
	if err != nil || resp.Header.Get("Location") == "" {
		return nil, &failure{op: k.op, subject: c.repo.Name(), status: resp.StatusCode, cause: errors.New("the registry does not say where to upload to")}
	}
	// Behind a proxy that ends TLS, a registry may think that it speaks HTTP.
	if next.Host == c.base.Host {
		next.Scheme = c.base.Scheme
	}
	return next, nil
}

// stream sends the content and returns where the upload goes on.
func (c *client) stream(ctx context.Context, session *url.URL, src *source) (*url.URL, error) {
	k := call{op: "push to", method: http.MethodPatch, url: session, scopes: c.push(), stream: src,
		header: http.Header{"Content-Type": {"application/octet-stream"}}}
	resp, err := c.send(ctx, k)
	if err != nil {
		return nil, err
	}
	return c.session(resp, k)
}

// end makes the uploaded content a blob. Some registries copy it for that.
func (c *client) end(ctx context.Context, session *url.URL, digest v1.Hash, size int64) error {
	u := *session
	query := u.Query()
	query.Set("digest", digest.String())
	u.RawQuery = query.Encode()
	k := call{op: "push to", method: http.MethodPut, url: &u, scopes: c.push()}
	resp, err := c.send(web.WithWork(ctx, size), k)
	if err == nil && resp.StatusCode != http.StatusCreated {
		err = c.answered(resp, k.op, c.repo.Name())
	}
	if err != nil {
		// The registry may have done it without our hearing so.
		if _, ok, _ := c.stat(ctx, "push", digest, c.push()); ok {
			return nil
		}
		return err
	}
	web.Drop(resp)
	if err := agree(digest, resp.Header.Get("Docker-Content-Digest")); err != nil {
		return &failure{op: k.op, subject: c.repo.Name(), cause: fmt.Errorf("the registry stored something else: %w", err)}
	}
	return nil
}

// cancel gives up an upload session if the registry allows that: some want
// the right to delete, and docker-registry knows a session only by its last
// answer, which may have been lost. It is done also when ctx has ended.
func (c *client) cancel(ctx context.Context, session *url.URL) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer stop()
	k := call{op: "push to", method: http.MethodDelete, url: session,
		scopes: []string{c.repo.Scope(transport.DeleteScope)}}
	if resp, err := c.send(ctx, k); err == nil {
		web.Drop(resp)
	}
}
