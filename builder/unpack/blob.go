package unpack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/internal/web"
)

// maxRetries is how often the transfer of one layer may break off.
const maxRetries = 3

// blob reads a layer as it is stored. A transfer that breaks off is begun anew
// and skipped to where it was; io.EOF comes only when size and digest are right.
// How long a transfer may stand still is up to the transport that it comes by.
//
// It keeps a context because an io.Reader has no other way to get one.
type blob struct {
	ctx   context.Context
	layer layer
	rule  web.Rule // for pauses

	body    io.ReadCloser
	release func() bool // stops closing body when ctx ends
	hash    hash.Hash
	n       int64 // bytes given out
	retries int
	err     error // for all further calls
}

func newBlob(ctx context.Context, l layer, rule web.Rule) *blob {
	return &blob{ctx: ctx, layer: l, rule: rule, hash: sha256.New()}
}

// Read implements io.Reader.
func (b *blob) Read(p []byte) (int, error) {
	for b.err == nil {
		n, err := b.read(p)
		b.hash.Write(p[:n])
		b.n += int64(n)
		if b.n > b.layer.size {
			err = b.mismatch("size", fmt.Sprint("at least ", b.n))
		}
		if err != nil {
			b.err = b.judge(err)
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, b.err
}

// read reads from the body, which it opens if there is none.
func (b *blob) read(p []byte) (int, error) {
	if b.body == nil {
		if err := b.open(); err != nil {
			return 0, err
		}
		if _, err := io.CopyN(io.Discard, b.body, b.n); err != nil {
			return 0, err
		}
	}
	return b.body.Read(p)
}

// judge turns the error of a transfer into the one to return, nil to go on.
func (b *blob) judge(err error) error {
	b.closeBody()
	if b.ctx.Err() != nil {
		return b.ctx.Err()
	}
	var wrong *DigestError
	switch {
	case errors.As(err, &wrong):
		return err
	case b.n == b.layer.size:
		// Whatever ended the transfer, there is no more to come.
		if got := hex.EncodeToString(b.hash.Sum(nil)); got != b.layer.digest.Hex {
			return b.mismatch("digest", "sha256:"+got)
		}
		return io.EOF
	case errors.Is(err, io.EOF), verification(err):
		// Not every transport tells a connection that broke off from the end.
		if b.retries == maxRetries {
			return b.mismatch("size", fmt.Sprint(b.n))
		}
	case b.retries == maxRetries || !breakOff(err):
		return fmt.Errorf("layer %s: fetch: %w", b.layer.digest, err)
	}
	b.retries++
	return b.rule.Pause(b.ctx, b.retries)
}

func (b *blob) mismatch(what, got string) error {
	want := b.layer.digest.String()
	if what == "size" {
		want = fmt.Sprint(b.layer.size)
	}
	return &DigestError{Layer: b.layer.digest, What: what, Want: want, Got: got}
}

// open opens the body. It returns when ctx ends, even if the layer does not.
func (b *blob) open() error {
	type result struct {
		body io.ReadCloser
		err  error
	}
	opened := make(chan result, 1)
	go func() {
		body, err := b.layer.Compressed()
		opened <- result{body, err}
	}()
	select {
	case r := <-opened:
		if r.err != nil {
			return r.err
		}
		b.body = r.body
		b.release = context.AfterFunc(b.ctx, func() { r.body.Close() })
		return nil
	case <-b.ctx.Done():
		go func() {
			if r := <-opened; r.err == nil {
				r.body.Close()
			}
		}()
		return b.ctx.Err()
	}
}

func (b *blob) closeBody() {
	if b.body == nil {
		return
	}
	if b.release() {
		b.body.Close()
	}
	b.body = nil
}

// drain reads to the end and returns nil if that was as it should be.
func (b *blob) drain() error {
	_, err := io.Copy(io.Discard, struct{ io.Reader }{b})
	return err
}

// verification tells whether go-containerregistry found the content wrong. Its
// error types are internal.
func verification(err error) bool {
	return strings.HasPrefix(err.Error(), "error verifying ")
}

// breakOff tells whether err is one of the network, so that another attempt may
// go better. Statuses the transport has repeated.
func breakOff(err error) bool {
	if answer := (*transport.Error)(nil); errors.As(err, &answer) {
		return false
	}
	return web.Transient(err)
}
