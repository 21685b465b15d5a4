package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers"
)

// abilityTests are the contracts of the interfaces that a store need not
// implement, for those that it does.
func (s *suite) abilityTests() []test {
	return []test{
		{"list", s.testList},
		{"delete", s.testDelete},
		{"delete one of two names", s.testDeleteShared},
		{"sweep", s.testSweep},
	}
}

// ability returns the store as an optional interface; the test ends if the store
// does not implement it.
func ability[A any](t *testing.T, store layers.Store) A {
	t.Helper()
	able, ok := unwatched(store).(A)
	if !ok {
		t.Skip("the store has no such ability")
	}
	return able
}

func (s *suite) testList(t *testing.T) {
	store := s.open(t)
	lister := ability[layers.Lister](t, store)
	wantNames(t, lister)
	began := time.Now().Add(-time.Minute)
	newSnapshot(1).save(t, store, "main", v1.Hash{})
	newSnapshot(2).save(t, store, "v1.0_rc-2", v1.Hash{})
	newSnapshot(1).save(t, store, "again", v1.Hash{})
	all := wantNames(t, ability[layers.Lister](t, s.reopen(t, store)), "again", "main", "v1.0_rc-2")
	for _, one := range all {
		if want := newSnapshot(1).digest(); one.Name == "main" && one.Digest != (v1.Hash{}) && one.Digest != want {
			t.Errorf("main is listed with digest %s instead of %s", one.Digest, want)
		}
		if !one.Changed.IsZero() && (one.Changed.Before(began) || one.Changed.After(time.Now().Add(time.Minute))) {
			t.Errorf("%s changed just now, not at %s", one.Name, one.Changed)
		}
	}
}

// wantNames checks which names a store lists.
func wantNames(t *testing.T, lister layers.Lister, want ...string) []layers.Listed {
	t.Helper()
	all, err := lister.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range all {
		names = append(names, one.Name)
	}
	slices.Sort(names)
	if !slices.Equal(names, want) {
		t.Errorf("listed %q, want %q", names, want)
	}
	return all
}

func (s *suite) testDelete(t *testing.T) {
	store := s.open(t)
	deleter := ability[layers.Deleter](t, store)
	a, b := newSnapshot(1), newSnapshot(2)
	a.save(t, store, "main", v1.Hash{})
	b.save(t, store, "other", v1.Hash{})
	if err := deleter.Delete(t.Context(), "main", b.digest()); !errors.Is(err, layers.ErrConflict) {
		t.Errorf("deleting what the name does not stand for: %v, want ErrConflict", err)
	}
	a.wantAt(t, store, "main")
	if err := deleter.Delete(t.Context(), "never", a.digest()); !errors.Is(err, layers.ErrNotFound) {
		t.Errorf("deleting what is not there: %v, want ErrNotFound", err)
	}
	if err := deleter.Delete(t.Context(), "main", a.digest()); err != nil {
		t.Fatal(err)
	}
	again := s.reopen(t, store)
	wantNothingAt(t, again, "main")
	b.wantAt(t, again, "other")
	a.save(t, again, "main", v1.Hash{})
	a.wantAt(t, s.reopen(t, store), "main")
}

// testDeleteShared deletes one of two names that stand for the same manifest: the
// other one stays, or nothing happens.
func (s *suite) testDeleteShared(t *testing.T) {
	store := s.open(t)
	deleter := ability[layers.Deleter](t, store)
	a := newSnapshot(1)
	a.save(t, store, "main", v1.Hash{})
	a.save(t, store, "other", v1.Hash{})
	err := deleter.Delete(t.Context(), "main", a.digest())
	again := s.reopen(t, store)
	a.wantAt(t, again, "other")
	if err == nil {
		wantNothingAt(t, again, "main")
	} else {
		a.wantAt(t, again, "main")
	}
}

func (s *suite) testSweep(t *testing.T) {
	store := s.open(t)
	sweeper := ability[layers.Sweeper](t, store)
	sweep := func(options layers.SweepOptions) layers.Swept {
		t.Helper()
		swept, err := sweeper.Sweep(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		return swept
	}
	if swept := sweep(layers.SweepOptions{}); swept != (layers.Swept{}) {
		t.Errorf("swept %+v of an empty store", swept)
	}
	a, b := newSnapshot(1), newSnapshot(2)
	a.save(t, store, "main", v1.Hash{})
	b.save(t, store, "other", v1.Hash{})
	loose := push(t, store, noise(99, 5000))
	if swept := sweep(layers.SweepOptions{Before: time.Now().Add(-time.Hour)}); swept != (layers.Swept{}) {
		t.Errorf("swept %+v, although all of it is young", swept)
	}
	dry := sweep(layers.SweepOptions{DryRun: true})
	if dry.Bytes < 5000 {
		t.Errorf("a dry run would sweep %+v, want at least 5000 bytes", dry)
	}
	if more := sweep(layers.SweepOptions{DryRun: true, Without: []string{"other"}}); more.Bytes < dry.Bytes+3000 {
		t.Errorf("without a name, a dry run would sweep %+v; with it, %+v", more, dry)
	}
	wantBlob(t, store, noise(99, 5000))
	if swept := sweep(layers.SweepOptions{}); swept != dry {
		t.Errorf("swept %+v, but a dry run had said %+v", swept, dry)
	}
	again := s.reopen(t, store)
	wantNoBlob(t, again, loose)
	a.wantAt(t, again, "main")
	b.wantAt(t, again, "other")
}
