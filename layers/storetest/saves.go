package storetest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/buildpacks/lifecycle/buildpack"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/layers"
)

// Part is a part of a cache that can be damaged.
type Part struct {
	// Name is set for the manifest that a name stands for.
	Name string
	// Digest is that of a blob or of the manifest.
	Digest v1.Hash
}

func (s *suite) saveTests() []test {
	tests := []test{{"many at the same time", s.testWriters}}
	if s.Damage == nil {
		return tests
	}
	for _, damage := range damages {
		for _, part := range []string{"manifest", "config", "layer"} {
			tests = append(tests, test{"damage: " + part + " " + damage.name, func(t *testing.T) { s.testDamage(t, part, damage.do) }})
		}
	}
	return tests
}

// damages are what can become of content; nil is that it is lost.
var damages = []struct {
	name string
	do   func([]byte) []byte
}{
	{"lost", func([]byte) []byte { return nil }},
	{"empty", func([]byte) []byte { return []byte{} }},
	{"truncated", func(b []byte) []byte { return b[:len(b)/2] }},
	{"garbage", func(b []byte) []byte { return noise(7, int64(len(b))) }},
	{"valid JSON of another kind", func([]byte) []byte { return []byte(`{"a":1}`) }},
}

// testDamage damages a part of a cache. That is told from a cache that is not
// there, a build goes on without what is damaged, and its save heals the cache.
func (s *suite) testDamage(t *testing.T, part string, damage func([]byte) []byte) {
	store := s.open(t)
	first := newBuild(t, store, "a/b")
	first.save(t)
	manifest := first.load(t)
	at := map[string]Part{
		"manifest": {Name: "main", Digest: manifest.Digest()},
		"config":   {Digest: manifest.Config().Digest},
		"layer":    {Digest: manifest.Contents()[0].Blobs[0].Digest},
	}[part]
	if !s.Damage(t, unwatched(store), at, damage) {
		t.Skip("the store keeps no such part by itself")
	}

	again := s.reopen(t, store)
	next := newBuild(t, again, "a/b")
	snapshot, err := layers.Load(t.Context(), again, "main")
	damaged := layers.AsDamaged(err)
	switch {
	case part == "layer" && err != nil:
		t.Fatalf("the snapshot cannot be loaded: %v", err)
	case part == "layer":
		next.request.Previous = snapshot
		one := snapshot.Contents()[0]
		if _, err := snapshot.Restore(t.Context(), one.DiffID, next.request.LayersDir, one.ID.Dir(), layers.RestoreOptions{StateDir: next.request.StateDir}); !errors.Is(err, layers.ErrCorrupt) && !errors.Is(err, layers.ErrNotFound) {
			t.Errorf("the layer is restored, or the error is not that it is damaged: %v", err)
		}
	case damaged != nil:
		next.request.PreviousDigest, next.request.Broken = damaged.Digest, []v1.Hash{damaged.Blob}
	case part == "manifest" && damage([]byte("x")) == nil && errors.Is(err, layers.ErrNotFound):
		// Of what has a name and nothing else, nothing is left.
	case errors.Is(err, layers.ErrForeign) && damage([]byte("x"))[0] == '{':
		return // which could be somebody else's
	default:
		t.Fatalf("error %v, want a *DamagedError", err)
	}
	next.save(t)
	next.wantWhole(t, s.reopen(t, store), 1)
}

// testWriters saves from many builds at the same time, each with a layer of its
// own. All of them succeed, and what is there at the end is whole.
func (s *suite) testWriters(t *testing.T) {
	const writers = 16
	store := s.open(t)
	newBuild(t, store, "all/begin").save(t)
	var group errgroup.Group
	for i := range writers {
		b := newBuild(t, s.reopen(t, store), fmt.Sprintf("all/w%d", i))
		group.Go(func() error { return b.trySave(t) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	least := 1
	if s.Compares {
		least = writers + 1
	}
	newBuild(t, store, "").wantWhole(t, s.reopen(t, store), least)
}

// build is one that has a layer to save.
type build struct{ request layers.SaveRequest }

func newBuild(t *testing.T, store layers.Store, bp string) *build {
	t.Helper()
	id := layers.LayerID{Buildpack: bp, Layer: "cached"}
	b := &build{layers.SaveRequest{
		Store: store, Name: "main",
		Built:  layers.Built{LayersDir: t.TempDir(), StateDir: t.TempDir(), ArchivePrefix: "/layers"},
		Group:  []string{bp},
		Target: layers.Target{OS: "linux", Architecture: "amd64"},
		Layers: []layers.CachedLayer{{ID: id, Version: "1", Metadata: buildpack.LayerMetadata{
			LayerMetadataFile: buildpack.LayerMetadataFile{Cache: true},
		}}},
	}}
	dir := filepath.Join(b.request.LayersDir, id.Dir())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	// Each test has blobs of its own: servers keep those of all repositories together,
	// and some tests damage them.
	content := slices.Concat([]byte(t.Name()), []byte(bp), noise(uint64(len(bp)), 50_000))
	if err := os.WriteFile(filepath.Join(dir, "file"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *build) save(t *testing.T) {
	t.Helper()
	if _, err := layers.Save(t.Context(), b.request); err != nil {
		t.Fatal(err)
	}
}

// trySave saves on top of what is there.
func (b *build) trySave(t *testing.T) error {
	snapshot, err := layers.Load(t.Context(), b.request.Store, b.request.Name)
	if err != nil && !errors.Is(err, layers.ErrNotFound) {
		return err
	}
	b.request.Previous = snapshot
	_, err = layers.Save(t.Context(), b.request)
	return err
}

func (b *build) load(t *testing.T) *layers.Snapshot {
	t.Helper()
	snapshot, err := layers.Load(t.Context(), b.request.Store, b.request.Name)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

// wantWhole checks that there is a cache with at least some layers, and that all
// of it can be read.
func (b *build) wantWhole(t *testing.T, store layers.Store, least int) {
	t.Helper()
	b.request.Store = store
	all, err := b.load(t).Check(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < least {
		t.Errorf("there are %d layers, want %d", len(all), least)
	}
	for _, one := range all {
		if one.Err != nil {
			t.Errorf("layer %s: %v", one.ID, one.Err)
		}
	}
}
