package layers

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// knownOf is what the name latest stands for, after a way to another process.
func knownOf(t *testing.T, store Store) *Known {
	t.Helper()
	snapshot, err := Load(t.Context(), store, "latest")
	if err != nil {
		t.Fatal(err)
	}
	sent, err := json.Marshal(snapshot.Known())
	if err != nil {
		t.Fatal(err)
	}
	known := &Known{}
	if err := json.Unmarshal(sent, known); err != nil {
		t.Fatal(err)
	}
	return known
}

func TestKnown(t *testing.T) {
	t.Parallel()
	store := seeded(t)
	known := knownOf(t, store)
	want, err := Load(t.Context(), store, "latest")
	if err != nil {
		t.Fatal(err)
	}
	nothing := newFakeStore()
	got, err := known.Load(t.Context(), nothing, "latest")
	if err != nil {
		t.Fatal(err)
	}
	if got.Digest() != want.Digest() || got.Footprint() != want.Footprint() || len(got.Metadata().Buildpacks) != len(want.Metadata().Buildpacks) {
		t.Errorf("loaded %+v, want %+v", got, want)
	}
	known.Config[len(known.Config)/2] ^= 1
	if _, err := known.Load(t.Context(), nothing, "latest"); !errors.Is(err, ErrForeign) && !errors.Is(err, ErrCorrupt) {
		t.Errorf("another config than that of the manifest: %v", err)
	}
}

// TestSaveKnown saves on top of what was known when the build began.
func TestSaveKnown(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]bool{"still there": false, "another build has saved": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := seeded(t)
			ours := newMachine(t, store, "samples/java", "samples/node")
			ours.makes(m2)
			ours.makes(jdk)
			ours.makes(deps)
			var err error
			if ours.req.Previous, err = knownOf(t, store).Load(t.Context(), store, "latest"); err != nil {
				t.Fatal(err)
			}
			before := ours.req.Previous.Digest()
			if meanwhile {
				theirs := newMachine(t, store, "samples/java", "samples/go")
				theirs.makes(m2, "repo/theirs.jar")
				theirs.makes(jdk)
				theirs.makes(cacheLayer("samples/go", "mod", false), "x")
				theirs.save()
			}
			report := ours.save()
			if report.Changed != meanwhile || (report.Digest == before) == meanwhile {
				t.Errorf("before it was %s: %+v", before, report)
			}
			stands, err := Load(t.Context(), store, "latest")
			if err != nil || stands.Digest() != report.Digest {
				t.Fatalf("the name stands for %v and not for %s: %v", stands, report.Digest, err)
			}
			if !meanwhile {
				return
			}
			next := newMachine(t, store, "samples/java", "samples/node", "samples/go")
			for path, want := range map[string]bool{"samples_java/m2/repo/theirs.jar": false, "samples_java/m2/repo/a.jar": true, "samples_go/mod/x": true} {
				if _, err := os.Stat(filepath.Join(next.layersDir, path)); (err == nil) != want {
					t.Errorf("%s: %v", path, err)
				}
			}
		})
	}
}
