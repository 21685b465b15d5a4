package storetest

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
)

// watched is a store whose errors are searched for secrets.
type watched struct {
	layers.Store
	t       testing.TB
	secrets []string
}

func watch(t testing.TB, s layers.Store, secrets []string) layers.Store {
	w := watched{s, t, secrets}
	w.search("the store's name", s.String())
	return w
}

func unwatched(s layers.Store) layers.Store {
	if w, ok := s.(watched); ok {
		return w.Store
	}
	return s
}

func (w watched) Resolve(ctx context.Context, name string) (v1.Descriptor, []byte, error) {
	d, b, err := w.Store.Resolve(ctx, name)
	w.check(err)
	return d, b, err
}

func (w watched) Open(ctx context.Context, blob v1.Descriptor, offset, length int64) (io.ReadCloser, error) {
	r, err := w.Store.Open(ctx, blob, offset, length)
	w.check(err)
	if err != nil {
		return nil, err
	}
	return watchedReader{r, w}, nil
}

func (w watched) Push(ctx context.Context, want v1.Descriptor, open func() (io.ReadCloser, error)) (layers.Pushed, error) {
	p, err := w.Store.Push(ctx, want, open)
	w.check(err)
	return p, err
}

func (w watched) Commit(ctx context.Context, name, mediaType string, manifest []byte, previous v1.Hash) (v1.Descriptor, error) {
	d, err := w.Store.Commit(ctx, name, mediaType, manifest, previous)
	w.check(err)
	return d, err
}

type watchedReader struct {
	io.ReadCloser
	w watched
}

func (r watchedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.w.check(err)
	return n, err
}

// check searches everything that an error says.
func (w watched) check(err error) {
	if err == nil {
		return
	}
	for _, format := range []string{"%v", "%+v", "%#v"} {
		w.search("an error", fmt.Sprintf(format, err))
	}
	for _, way := range hint.All(err) {
		w.search("a hint", way)
	}
}

func (w watched) search(where, text string) {
	for _, secret := range w.secrets {
		if strings.Contains(text, secret) {
			w.t.Errorf("%s contains a secret: %s", where, strings.ReplaceAll(text, secret, "[SECRET]"))
		}
	}
}
