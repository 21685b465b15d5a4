package unpack

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// FuzzUnpack applies arbitrary archives, twice without marks, and checks that
// nothing around the tree changes and that the tree can be removed.
func FuzzUnpack(f *testing.F) {
	for _, c := range entryCases {
		f.Add(pax(f, c.entries...))
	}
	for _, c := range whiteoutCases {
		for _, entries := range c.layers {
			f.Add(pax(f, entries...))
		}
	}
	for _, entries := range (arena{outside: "/tmp"}).cases() {
		f.Add(pax(f, entries...))
	}
	a := newArena(f)
	before := a.state(f)
	f.Fuzz(func(t *testing.T, content []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		for _, m := range []marks{userMarks, noMarks} {
			dir := filepath.Join(a.store, "layers")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			tree, err := newTree(dir, nil, m)
			if err != nil {
				t.Fatal(err)
			}
			first := tree.apply(ctx, bytes.NewReader(content))
			second := tree.apply(ctx, bytes.NewReader(content))
			if first == nil && second == nil {
				if err := tree.finish(); err != nil {
					t.Errorf("finish: %v", err)
				}
			}
			tree.close()
			if _, err := removeAll(a.store); err != nil {
				t.Errorf("remove: %v", err)
			}
			if diff := cmp.Diff(before, a.state(t)); diff != "" {
				t.Errorf("changed outside (-before +after):\n%s", diff)
			}
		}
	})
}
