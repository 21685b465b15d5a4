package storetest

import (
	"errors"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
)

func (s *suite) rightsTests() []test {
	var tests []test
	if s.ReadOnly != nil {
		tests = append(tests, test{"may read but not write", s.testReadOnly})
	}
	if s.Denied != nil {
		tests = append(tests, test{"may do nothing", s.testDenied})
	}
	return tests
}

func (s *suite) testReadOnly(t *testing.T) {
	store := s.open(t)
	a, b := newSnapshot(1), newSnapshot(2)
	a.save(t, store, "main", v1.Hash{})
	b.pushBlobs(t, store)
	reader := watch(t, s.ReadOnly(t, unwatched(store)), s.Secrets)
	a.wantAt(t, reader, "main")
	wantNothingAt(t, reader, "other")
	if p, err := reader.Push(t.Context(), describe(a.blobs[1]), failOpen); err != nil || p.Sent != 0 {
		t.Errorf("push of what is there: %+v, error %v", p, err)
	}
	s.wantNoWrite(t, reader, a, b)
	a.wantAt(t, s.reopen(t, store), "main")
}

func (s *suite) testDenied(t *testing.T) {
	store := s.open(t)
	a, b := newSnapshot(1), newSnapshot(2)
	a.save(t, store, "main", v1.Hash{})
	b.pushBlobs(t, store)
	denied := watch(t, s.Denied(t, unwatched(store)), s.Secrets)
	if _, _, err := denied.Resolve(t.Context(), "main"); !errors.Is(err, layers.ErrDenied) {
		t.Errorf("resolve: error %v, want ErrDenied", err)
	}
	if _, err := read(t.Context(), denied, describe(a.blobs[1]), 0, -1); !errors.Is(err, layers.ErrDenied) {
		t.Errorf("open: error %v, want ErrDenied", err)
	}
	s.wantNoWrite(t, denied, a, b)
	a.wantAt(t, s.reopen(t, store), "main")
}

// wantNoWrite tries to write as somebody who may not.
func (s *suite) wantNoWrite(t *testing.T, store layers.Store, now, next snapshot) {
	t.Helper()
	c := noise(9, 1000)
	for _, want := range []v1.Descriptor{{}, describe(c)} {
		if _, err := store.Push(t.Context(), want, from(c).open); !errors.Is(err, layers.ErrDenied) {
			t.Errorf("push: error %v, want ErrDenied", err)
		}
	}
	_, err := store.Commit(t.Context(), "main", next.mediaType, next.manifest, now.digest())
	if !errors.Is(err, layers.ErrDenied) {
		t.Errorf("commit: error %v, want ErrDenied", err)
	}
	if hint.Of(err) == "" {
		t.Errorf("commit: error %v has no hint", err)
	}
}
