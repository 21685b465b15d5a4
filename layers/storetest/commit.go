package storetest

import (
	"errors"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/layers"
)

func (s *suite) commitTests() []test {
	return []test{
		{"descriptor", func(t *testing.T) {
			store := s.open(t)
			n := newSnapshot(1)
			n.pushBlobs(t, store)
			desc, err := store.Commit(t.Context(), "main", n.mediaType, n.manifest, v1.Hash{})
			if err != nil {
				t.Fatal(err)
			}
			if string(desc.MediaType) != n.mediaType || desc.Digest != n.digest() || desc.Size != int64(len(n.manifest)) {
				t.Errorf("descriptor %v of a manifest of %d bytes with digest %s", desc, len(n.manifest), n.digest())
			}
		}},
		{"moves the name", func(t *testing.T) {
			store := s.open(t)
			a, b := newSnapshot(1), newSnapshot(2)
			a.save(t, store, "main", v1.Hash{})
			b.save(t, store, "main", a.digest())
			b.wantAt(t, s.reopen(t, store), "main")
			a.save(t, store, "main", b.digest())
			a.wantAt(t, s.reopen(t, store), "main")
		}},
		{"nothing moves before it", func(t *testing.T) {
			store := s.open(t)
			newSnapshot(3).pushBlobs(t, store)
			wantNothingAt(t, s.reopen(t, store), "main")
			a, b := newSnapshot(1), newSnapshot(2)
			a.save(t, store, "main", v1.Hash{})
			b.pushBlobs(t, store)
			// The process that would have committed b is gone.
			a.wantAt(t, s.reopen(t, store), "main")
		}},
		{"repeated", func(t *testing.T) {
			store := s.open(t)
			a, b := newSnapshot(1), newSnapshot(2)
			a.save(t, store, "main", v1.Hash{})
			for range 3 {
				b.save(t, store, "main", a.digest())
				b.wantAt(t, store, "main")
			}
		}},
		{"same manifest under two names", func(t *testing.T) {
			store := s.open(t)
			a := newSnapshot(1)
			a.save(t, store, "main", v1.Hash{})
			a.save(t, store, "other", v1.Hash{})
			newSnapshot(2).save(t, store, "main", a.digest())
			a.wantAt(t, s.reopen(t, store), "other")
		}},
		{"conflict", s.testConflict},
		{"at the same time", s.testRace},
	}
}

// testConflict commits with previous digests that name does not stand for.
func (s *suite) testConflict(t *testing.T) {
	a, b, c := newSnapshot(1), newSnapshot(2), newSnapshot(3)
	for _, test := range []struct {
		name     string
		before   []snapshot
		previous v1.Hash
	}{
		{"moved on", []snapshot{a, b}, a.digest()},
		{"never was", []snapshot{a}, b.digest()},
		{"made meanwhile", []snapshot{a}, v1.Hash{}},
		{"gone meanwhile", nil, a.digest()},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := s.open(t)
			var last v1.Hash
			for _, n := range test.before {
				n.save(t, store, "main", last)
				last = n.digest()
			}
			c.pushBlobs(t, store)
			_, err := store.Commit(t.Context(), "main", c.mediaType, c.manifest, test.previous)
			if !errors.Is(err, layers.ErrConflict) {
				t.Errorf("error %v, want ErrConflict", err)
			}
			if len(test.before) == 0 {
				wantNothingAt(t, s.reopen(t, store), "main")
				return
			}
			test.before[len(test.before)-1].wantAt(t, s.reopen(t, store), "main")
		})
	}
}

// testRace commits different snapshots at the same time: the name then stands
// for one of those that succeeded, whole, and the others met a conflict.
func (s *suite) testRace(t *testing.T) {
	store := s.open(t)
	const count = 8
	won := make([]bool, count)
	var group errgroup.Group
	for i := range uint64(count) {
		n := newSnapshot(i)
		handle := s.reopen(t, store)
		group.Go(func() error {
			n.pushBlobs(t, handle)
			_, err := handle.Commit(t.Context(), "main", n.mediaType, n.manifest, v1.Hash{})
			won[i] = err == nil
			if errors.Is(err, layers.ErrConflict) {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	desc, _, err := s.reopen(t, store).Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(count) {
		if n := newSnapshot(i); n.digest() == desc.Digest {
			if !won[i] {
				t.Error("the name stands for a snapshot whose commit failed")
			}
			n.wantAt(t, store, "main")
			return
		}
	}
	t.Errorf("the name stands for %s, which nobody committed", desc.Digest)
}
