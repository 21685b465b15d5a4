// Package storetest is the contract of layers.Store as tests. Every store runs
// it, and passes it whole.
//
// It knows nothing of any particular store. What a store does beyond the
// contract is tested beside the store.
package storetest

import (
	"testing"

	"github.com/pack-cache/pack-cache/layers"
)

// Options says what a store can be asked for in tests. The zero value runs
// everything that needs nothing but an empty store.
type Options struct {
	// Secrets are strings that no error, no hint and no name of a store may
	// contain.
	Secrets []string
	// Reopen opens the store of an earlier open once more, as another process
	// would. Nil tests with the same handle.
	Reopen func(t *testing.T, s layers.Store) layers.Store
	// ReadOnly opens the store of an earlier open for somebody who may read but
	// not write, Denied for somebody who may do neither. Nil is for stores that
	// have no such thing.
	ReadOnly, Denied func(t *testing.T, s layers.Store) layers.Store
	// Damage replaces a part of a cache by what do makes of it, nil for nothing,
	// behind the store's back. It returns false where the store keeps no such part
	// by itself. Nil is for stores that cannot be damaged in tests.
	Damage func(t *testing.T, s layers.Store, at Part, do func([]byte) []byte) bool
	// Compares says that of two commits at the same time one meets a conflict.
	Compares bool
	// Large is the size of the large blob in bytes; 0 is 32 MiB.
	Large int64
}

// suite is what the tests share.
type suite struct {
	Options
	open func(t *testing.T) layers.Store
}

// Run checks a store against the contract. open opens a new, empty store each
// time that it is called, for the test that it is given. The subtests run in
// parallel.
func Run(t *testing.T, open func(t *testing.T) layers.Store, options Options) {
	t.Helper()
	s := &suite{Options: options}
	if s.Large == 0 {
		s.Large = 32 << 20
	}
	s.open = func(t *testing.T) layers.Store {
		return watch(t, open(t), s.Secrets)
	}
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"Resolve", s.resolveTests()},
		{"Open", s.openTests()},
		{"Push", s.pushTests()},
		{"Commit", s.commitTests()},
		{"Cancel", s.cancelTests()},
		{"Rights", s.rightsTests()},
		{"Abilities", s.abilityTests()},
		{"Save", s.saveTests()},
	} {
		for _, test := range group.tests {
			t.Run(group.name+"/"+test.name, func(t *testing.T) {
				t.Parallel()
				test.run(t)
			})
		}
	}
}

// test is one line of the contract.
type test struct {
	name string
	run  func(t *testing.T)
}

// reopen opens what s is once more.
func (s *suite) reopen(t *testing.T, store layers.Store) layers.Store {
	if s.Reopen == nil {
		return store
	}
	return watch(t, s.Reopen(t, unwatched(store)), s.Secrets)
}
