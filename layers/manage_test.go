package layers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers/blob"
)

// List makes the fake a Lister.
func (s *fakeStore) List(context.Context) ([]Listed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Listed
	for name := range s.manifests {
		all = append(all, Listed{Name: name})
	}
	return all, nil
}

// Delete makes the fake a Deleter.
func (s *fakeStore) Delete(_ context.Context, name string, digest v1.Hash) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if blob.DigestOf(s.manifests[name].raw) != digest {
		return fmt.Errorf("%s: %w", name, ErrConflict)
	}
	delete(s.manifests, name)
	return nil
}

// savedAt saves a cache with one layer of its own content under a name.
func savedAt(t *testing.T, store Store, name, file string, created time.Time) *Snapshot {
	t.Helper()
	m := newMachine(t, newFakeStore(), "acme/a")
	m.req.Store, m.req.Name, m.req.Created = store, name, created
	m.makes(cacheLayer("acme/a", "only", false), file)
	m.makes(cacheLayer("acme/a", "both", true), "same")
	m.save()
	snapshot, err := Load(t.Context(), store, name)
	must(t, err)
	return snapshot
}

var monday = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestContents(t *testing.T) {
	t.Parallel()
	snapshot := savedAt(t, newFakeStore(), "main", "file", monday)
	if !snapshot.Created().Equal(monday) {
		t.Errorf("created %s, want %s", snapshot.Created(), monday)
	}
	var got []string
	for _, c := range snapshot.Contents() {
		if c.Stored() == 0 || c.Size < c.Stored() || c.Codec() != blob.Zstd {
			t.Errorf("%s: %d bytes in a blob of %d, %s", c.ID, c.Size, c.Stored(), c.Codec())
		}
		got = append(got, fmt.Sprintf("%s@%s launch=%v cache=%v", c.ID, c.Version, c.Launch, c.Cache))
	}
	want := []string{"acme/a:both@1.2.3 launch=true cache=true", "acme/a:only@1.2.3 launch=false cache=true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCopy(t *testing.T) {
	t.Parallel()
	from, to := newFakeStore(), newFakeStore()
	snapshot := savedAt(t, from, "main", "file", monday)
	copied, err := Copy(t.Context(), CopyRequest{From: snapshot, To: to, Name: "copy"})
	must(t, err)
	if copied.Digest != snapshot.Digest() || !copied.Changed || copied.Blobs != 3 || copied.Sent != snapshot.Size() {
		t.Errorf("copied %+v of %d bytes", copied, snapshot.Size())
	}
	there, err := Load(t.Context(), to, "copy")
	must(t, err)
	if checked, err := there.Check(t.Context(), nil); err != nil || len(checked) != 2 || checked[0].Err != nil || checked[1].Err != nil {
		t.Errorf("the copy: %+v, %v", checked, err)
	}
	again, err := Copy(t.Context(), CopyRequest{From: snapshot, To: to, Name: "copy"})
	must(t, err)
	if again.Sent != 0 || again.Changed {
		t.Errorf("the second time: %+v", again)
	}
}

func TestCopyLeavesWhatIsNoCache(t *testing.T) {
	t.Parallel()
	from, to := newFakeStore(), newFakeStore()
	snapshot := savedAt(t, from, "main", "file", monday)
	to.manifests["app"] = fakeManifest{"application/vnd.oci.image.index.v1+json", []byte(`{"schemaVersion":2,"manifests":[]}`)}
	if _, err := Copy(t.Context(), CopyRequest{From: snapshot, To: to, Name: "app"}); !errors.Is(err, ErrForeign) {
		t.Errorf("error %v, want ErrForeign", err)
	}
	if _, err := Copy(t.Context(), CopyRequest{From: snapshot, To: to, Name: "app", Overwrite: true}); err != nil {
		t.Error(err)
	}
}

func TestCopyOfDamagedCacheMovesNoName(t *testing.T) {
	t.Parallel()
	from, to := newFakeStore(), newFakeStore()
	snapshot := savedAt(t, from, "main", "file", monday)
	damage(from, snapshot.Contents()[0].whole().Digest)
	if _, err := Copy(t.Context(), CopyRequest{From: snapshot, To: to, Name: "copy"}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("error %v, want ErrCorrupt", err)
	}
	if _, _, err := to.Resolve(t.Context(), "copy"); !errors.Is(err, ErrNotFound) {
		t.Errorf("the name stands for something: %v", err)
	}
}

func damage(s *fakeStore, blob v1.Hash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bad := bytes.Clone(s.blobs[blob.String()])
	bad[len(bad)/2] ^= 1
	s.blobs[blob.String()] = bad
}

func TestCheckNamesTheDamagedLayer(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	snapshot := savedAt(t, store, "main", "file", monday)
	damage(store, snapshot.Contents()[1].whole().Digest)
	delete(store.blobs, snapshot.Contents()[0].Digests()[0])
	checked, err := snapshot.Check(t.Context(), nil)
	must(t, err)
	if !errors.Is(checked[0].Err, ErrNotFound) || !errors.Is(checked[1].Err, ErrCorrupt) {
		t.Errorf("checked %+v", checked)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	two := 2
	for _, test := range []struct {
		name    string
		request PruneRequest
		want    []string
	}{
		{"keep", PruneRequest{Keep: &two}, []string{"app", "c", "d", "unknown"}},
		{"older than", PruneRequest{OlderThan: 36 * time.Hour}, []string{"app", "c", "d", "unknown"}},
		{"both", PruneRequest{Keep: &two, OlderThan: 60 * time.Hour}, []string{"app", "b", "c", "d", "unknown"}},
		{"only", PruneRequest{Keep: new(int), Only: func(name string) bool { return name == "a" }}, []string{"app", "b", "c", "d", "unknown"}},
		{"dry run", PruneRequest{Keep: new(int), DryRun: true}, []string{"a", "app", "b", "c", "d", "unknown"}},
		{"nothing asked for", PruneRequest{Sweep: true}, []string{"a", "app", "b", "c", "d", "unknown"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store := newFakeStore()
			for i, name := range []string{"a", "b", "c", "d"} {
				savedAt(t, store, name, name, monday.Add(time.Duration(i)*day))
			}
			savedAt(t, store, "unknown", "unknown", time.Time{})
			store.manifests["app"] = fakeManifest{"application/vnd.oci.image.index.v1+json", []byte(`{"schemaVersion":2,"manifests":[]}`)}
			test.request.Store, test.request.Now = store, monday.Add(3*day)
			report, err := Prune(t.Context(), test.request)
			must(t, err)
			var names []string
			listed, _ := store.List(t.Context())
			for _, one := range listed {
				names = append(names, one.Name)
			}
			if diff := cmp.Diff(test.want, sorted(names)); diff != "" {
				t.Errorf("%s\n%+v", diff, report)
			}
			if deleted := len(test.want) < 6 || test.request.DryRun; deleted != (report.Freed > 0) {
				t.Errorf("freed %d bytes", report.Freed)
			}
		})
	}
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}
