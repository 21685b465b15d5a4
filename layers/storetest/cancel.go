package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func (s *suite) cancelTests() []test {
	return []test{
		{"before it begins", s.testCancelled},
		{"during push", s.testCancelPush},
		{"during a read", s.testCancelRead},
	}
}

// testCancelled calls everything with a context that has ended.
func (s *suite) testCancelled(t *testing.T) {
	store := s.open(t)
	a, b := newSnapshot(1), newSnapshot(2)
	a.save(t, store, "main", v1.Hash{})
	b.pushBlobs(t, store)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, handle := range []struct {
		name string
		do   func() error
	}{
		{"resolve", func() error { _, _, err := store.Resolve(ctx, "main"); return err }},
		{"resolve first", func() error { _, _, err := s.reopen(t, store).Resolve(ctx, "main"); return err }},
		{"open", func() error { _, err := read(ctx, store, describe(a.blobs[1]), 0, -1); return err }},
		{"open nothing", func() error { _, err := read(ctx, store, describe(a.blobs[1]), 0, 0); return err }},
		{"push", func() error {
			src := from(noise(9, 1000))
			_, err := store.Push(ctx, v1.Descriptor{}, src.open)
			if opened, closed := src.opened.Load(), src.closed.Load(); opened != closed {
				t.Errorf("push: source opened %d times and closed %d times", opened, closed)
			}
			return err
		}},
		{"push known", func() error {
			_, err := store.Push(ctx, describe(noise(9, 1000)), from(noise(9, 1000)).open)
			return err
		}},
		{"commit", func() error {
			_, err := store.Commit(ctx, "main", b.mediaType, b.manifest, a.digest())
			return err
		}},
	} {
		if err := handle.do(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want the context's", handle.name, err)
		}
	}
	again := s.reopen(t, store)
	wantNoBlob(t, again, describe(noise(9, 1000)))
	a.wantAt(t, again, "main")
}

// testCancelPush ends the context when a part of the content has been taken.
func (s *suite) testCancelPush(t *testing.T) {
	store := s.open(t)
	old := newSnapshot(1)
	old.save(t, store, "main", v1.Hash{})
	b := noise(2, 3<<20)
	for _, want := range []v1.Descriptor{{}, describe(b)} {
		ctx, cancel := context.WithCancel(t.Context())
		src := &source{Reader: io.MultiReader(bytes.NewReader(b), readerFunc(func([]byte) (int, error) {
			// As a pipeline does that belongs to the same build.
			cancel()
			<-ctx.Done()
			return 0, ctx.Err()
		}))}
		if _, err := store.Push(ctx, want, src.open); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want the context's", err)
		}
		cancel()
		again := s.reopen(t, store)
		wantNoBlob(t, again, describe(b))
		old.wantAt(t, again, "main")
	}
	// Nothing is in the way of doing it again.
	push(t, store, b)
	wantBlob(t, store, b)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// testCancelRead ends the context when a part of a blob has been read.
func (s *suite) testCancelRead(t *testing.T) {
	store := s.open(t)
	b := noise(1, s.Large)
	blob := push(t, store, b)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := store.Open(ctx, blob, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}
