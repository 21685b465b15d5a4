package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/layers"
)

func (s *suite) pushTests() []test {
	return []test{
		{"digest not known", func(t *testing.T) {
			store := s.open(t)
			for i, size := range []int64{0, 1, 1000, 1<<20 + 1} {
				b := noise(uint64(i), size)
				s.wantPushed(t, store, b, v1.Descriptor{MediaType: types.OCILayerZStd})
			}
		}},
		{"digest known", func(t *testing.T) {
			store := s.open(t)
			for i, size := range []int64{1, 1000, 1<<20 + 1} {
				b := noise(uint64(i), size)
				want := describe(b)
				want.MediaType = types.OCILayerZStd
				s.wantPushed(t, store, b, want)
			}
		}},
		{"there already", func(t *testing.T) {
			store := s.open(t)
			b := noise(1, 5000)
			push(t, store, b)
			want := describe(b)
			want.MediaType = types.OCILayerZStd
			for _, handle := range []layers.Store{store, s.elsewhere(t, store, b)} {
				p, err := handle.Push(t.Context(), want, failOpen)
				if err != nil {
					t.Fatal(err)
				}
				if p.Sent != 0 || p.Descriptor.Digest != want.Digest || p.Descriptor.Size != want.Size || p.Descriptor.MediaType != want.MediaType {
					t.Errorf("got %+v, want %+v with nothing sent", p, want)
				}
			}
		}},
		{"repeated", func(t *testing.T) {
			store := s.open(t)
			b := noise(1, 5000)
			for range 3 {
				if got := push(t, store, b); got.Digest != hashOf(b) {
					t.Errorf("digest %s, want %s", got.Digest, hashOf(b))
				}
			}
			wantBlob(t, store, b)
		}},
		{"source fails", s.testSourceFails},
		{"source cannot be opened", func(t *testing.T) {
			store := s.open(t)
			b := noise(1, 1000)
			for _, want := range []v1.Descriptor{{}, describe(b)} {
				if _, err := store.Push(t.Context(), want, failOpen); !errors.Is(err, errSource) {
					t.Errorf("error %v, want the source's", err)
				}
			}
			wantNoBlob(t, store, describe(b))
		}},
		{"source cannot be closed", func(t *testing.T) {
			store := s.open(t)
			b := noise(1, 1000)
			for _, want := range []v1.Descriptor{{}, describe(b)} {
				_, err := store.Push(t.Context(), want, func() (io.ReadCloser, error) {
					return unclosable{bytes.NewReader(b)}, nil
				})
				if !errors.Is(err, errSource) {
					t.Errorf("error %v, want the source's", err)
				}
			}
			wantNoBlob(t, store, describe(b))
		}},
		{"content is not what was announced", func(t *testing.T) {
			store := s.open(t)
			old := newSnapshot(1)
			old.save(t, store, "main", v1.Hash{})
			b, announced := noise(2, 5000), noise(3, 5000)
			if p, err := store.Push(t.Context(), describe(announced), from(b).open); err == nil {
				t.Errorf("no error, but %+v", p)
			}
			again := s.reopen(t, store)
			wantNoBlob(t, again, describe(announced))
			wantNoBlob(t, again, describe(b))
			old.wantAt(t, again, "main")
		}},
		{"large", s.testLarge},
		{"many at the same time", func(t *testing.T) {
			store := s.open(t)
			var group errgroup.Group
			group.SetLimit(16)
			const count = 64
			for i := range uint64(count) {
				group.Go(func() error {
					b := noise(i, 1+int64(i)*50)
					p, err := store.Push(t.Context(), v1.Descriptor{}, from(b).open)
					if err == nil && p.Descriptor.Digest != hashOf(b) {
						err = fmt.Errorf("blob %d got digest %s", i, p.Descriptor.Digest)
					}
					return err
				})
			}
			if err := group.Wait(); err != nil {
				t.Fatal(err)
			}
			for i := range uint64(count) {
				wantBlob(t, store, noise(i, 1+int64(i)*50))
			}
		}},
		{"the same at the same time", func(t *testing.T) {
			store := s.open(t)
			b := noise(1, 200000)
			var group errgroup.Group
			for i := range 8 {
				want := v1.Descriptor{}
				if i%2 == 0 {
					want = describe(b)
				}
				group.Go(func() error {
					_, err := store.Push(t.Context(), want, from(b).open)
					return err
				})
			}
			if err := group.Wait(); err != nil {
				t.Error(err)
			}
			wantBlob(t, store, b)
		}},
	}
}

// wantPushed pushes a new blob and checks everything about it.
func (s *suite) wantPushed(t *testing.T, store layers.Store, b []byte, want v1.Descriptor) {
	t.Helper()
	src := from(b)
	p, err := store.Push(t.Context(), want, src.open)
	if err != nil {
		t.Fatalf("push of %d bytes: %v", len(b), err)
	}
	if p.Descriptor.Digest != hashOf(b) || p.Descriptor.Size != int64(len(b)) || p.Descriptor.MediaType != want.MediaType {
		t.Errorf("pushed %d bytes with digest %s, got %+v", len(b), hashOf(b), p.Descriptor)
	}
	if p.Sent < int64(len(b)) {
		t.Errorf("pushed %d bytes, of which %d were sent", len(b), p.Sent)
	}
	if opened, closed := src.opened.Load(), src.closed.Load(); opened != 1 || closed != 1 {
		t.Errorf("the source was opened %d times and closed %d times", opened, closed)
	}
	wantBlob(t, s.elsewhere(t, store, b), b)
}

var errSource = errors.New("the source is broken")

func failOpen() (io.ReadCloser, error) { return nil, errSource }

// testSourceFails pushes sources that break at the beginning, after a while,
// and after the last byte.
func (s *suite) testSourceFails(t *testing.T) {
	store := s.open(t)
	old := newSnapshot(1)
	old.save(t, store, "main", v1.Hash{})
	for i, size := range []int64{0, 1000, 3 << 20} {
		b := noise(uint64(i+2), size)
		for _, want := range []v1.Descriptor{{}, describe(append(b, '!'))} {
			src := &source{Reader: io.MultiReader(bytes.NewReader(b), brokenReader{})}
			if _, err := store.Push(t.Context(), want, src.open); !errors.Is(err, errSource) {
				t.Errorf("broken after %d bytes: error %v, want the source's", size, err)
			}
			if opened, closed := src.opened.Load(), src.closed.Load(); opened != 1 || closed != 1 {
				t.Errorf("broken after %d bytes: opened %d times and closed %d times", size, opened, closed)
			}
			again := s.reopen(t, store)
			wantNoBlob(t, again, describe(append(b, '!')))
			if size > 0 {
				wantNoBlob(t, again, describe(b))
			}
			old.wantAt(t, again, "main")
		}
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errSource }

// unclosable finds out only when it is closed that its content is no good.
type unclosable struct{ io.Reader }

// Close implements io.Closer.
func (unclosable) Close() error { return errSource }

// testLarge moves more than fits in any buffer on the way, there and back.
func (s *suite) testLarge(t *testing.T) {
	store := s.open(t)
	b := noise(1, s.Large)
	if blob := push(t, store, b); blob.Digest != hashOf(b) || blob.Size != s.Large {
		t.Fatalf("pushed %d bytes with digest %s, got %+v", s.Large, hashOf(b), blob)
	}
	wantBlob(t, s.elsewhere(t, store, b), b)
	got, err := read(t.Context(), store, describe(b), s.Large/2, -1)
	if err != nil || !bytes.Equal(got, b[s.Large/2:]) {
		t.Errorf("second half: %d bytes, error %v", len(got), err)
	}
}
