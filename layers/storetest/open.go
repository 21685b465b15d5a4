package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/layers"
)

func (s *suite) openTests() []test {
	return []test{
		{"missing blob", func(t *testing.T) {
			store := s.open(t)
			wantNoBlob(t, store, describe([]byte("never pushed")))
			newSnapshot(1).save(t, store, "main", v1.Hash{})
			wantNoBlob(t, store, describe([]byte("never pushed")))
		}},
		{"missing blob, part of it", func(t *testing.T) {
			store := s.open(t)
			for _, r := range [][2]int64{{0, 0}, {0, 1}, {3, -1}, {3, 2}} {
				if _, err := read(t.Context(), store, describe([]byte("never pushed")), r[0], r[1]); !errors.Is(err, layers.ErrNotFound) {
					t.Errorf("range %v: error %v, want ErrNotFound", r, err)
				}
			}
		}},
		{"ranges", s.testRanges},
		{"ranges in parallel", func(t *testing.T) {
			store := s.open(t)
			b := noise(1, 1<<20)
			blob := push(t, store, b)
			got := make([]byte, len(b))
			var group errgroup.Group
			const part = 1 << 17
			for from := int64(0); from < blob.Size; from += part {
				group.Go(func() error {
					p, err := read(t.Context(), store, blob, from, part)
					if err == nil && copy(got[from:], p) != part {
						err = fmt.Errorf("%d bytes at %d", len(p), from)
					}
					return err
				})
			}
			if err := group.Wait(); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, b) {
				t.Error("the parts do not make the whole")
			}
		}},
		{"closed early", func(t *testing.T) {
			store := s.open(t)
			b := noise(1, 1<<20)
			blob := push(t, store, b)
			r, err := store.Open(t.Context(), blob, 0, -1)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Read(make([]byte, 10)); err != nil {
				t.Error(err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			wantBlob(t, store, b)
		}},
	}
}

func (s *suite) testRanges(t *testing.T) {
	store := s.open(t)
	b := noise(1, 70000)
	blob := push(t, store, b)
	n := blob.Size
	for _, r := range []struct {
		name           string
		offset, length int64
		from, to       int64
	}{
		{"whole", 0, -1, 0, n},
		{"whole by length", 0, n, 0, n},
		{"beginning", 0, 10, 0, 10},
		{"middle", 10000, 50000, 10000, 60000},
		{"one byte", 5, 1, 5, 6},
		{"nothing", 5, 0, 0, 0},
		{"to the end", 69000, -1, 69000, n},
		{"up to the end", 69000, 1000, 69000, n},
		{"last byte", n - 1, -1, n - 1, n},
		// What lies beyond the end is not there; that is no error.
		{"over the end", 69000, 5000, 69000, n},
		{"far over the end", 1, math.MaxInt64, 1, n},
		{"at the end", n, -1, 0, 0},
		{"at the end with a length", n, 10, 0, 0},
		{"beyond the end", n + 10, -1, 0, 0},
		{"beyond the end with a length", n + 10, 10, 0, 0},
	} {
		t.Run(r.name, func(t *testing.T) {
			got, err := read(t.Context(), store, blob, r.offset, r.length)
			if err != nil {
				t.Errorf("offset %d, length %d: %v", r.offset, r.length, err)
			} else if !bytes.Equal(got, b[r.from:r.to]) {
				t.Errorf("offset %d, length %d: %d bytes that are not those from %d to %d", r.offset, r.length, len(got), r.from, r.to)
			}
		})
	}
	for _, r := range [][2]int64{{-1, 5}, {0, -2}} {
		if _, err := read(t.Context(), store, blob, r[0], r[1]); err == nil {
			t.Errorf("offset %d, length %d: no error", r[0], r[1])
		}
	}
}
