package layers

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buildpacks/lifecycle/buildpack"
	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/test/testtree"
	"github.com/pack-cache/pack-cache/layers/archive"
	"github.com/pack-cache/pack-cache/layers/blob"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// cacheLayer is a CachedLayer with the flags of a cache-only or of a launch
// layer.
func cacheLayer(bp, name string, launch bool) CachedLayer {
	return CachedLayer{
		ID:      LayerID{Buildpack: bp, Layer: name},
		Version: "1.2.3",
		Metadata: buildpack.LayerMetadata{LayerMetadataFile: buildpack.LayerMetadataFile{
			Data: map[string]any{"version": int64(17)}, Cache: true, Launch: launch,
		}},
	}
}

// blobOf is the blob of a layer, and whether the snapshot has it.
func blobOf(snapshot *Snapshot, diffID string) (v1.Descriptor, bool) {
	layer, ok := snapshot.Layer(diffID)
	return layer.whole(), ok
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

var debian = Target{OS: "linux", Architecture: "amd64", DistroName: "debian", DistroVersion: "13"}

// machine is a machine that builds: it restores what it finds, the test plays
// the buildpacks, and it saves.
type machine struct {
	t         *testing.T
	layersDir string
	req       SaveRequest
}

// newMachine makes a machine that has never built before, and that restores all
// layers of the buildpacks in its group.
func newMachine(t *testing.T, store Store, group ...string) *machine {
	t.Helper()
	m := &machine{t: t, layersDir: t.TempDir()}
	m.req = SaveRequest{
		Store: store, Name: "latest",
		Built: Built{LayersDir: m.layersDir, StateDir: t.TempDir(), ArchivePrefix: "/layers", UID: 1000, GID: 1001},
		Group: group, Target: debian,
	}
	for _, bp := range group { // the lifecycle does, with the metadata
		must(t, os.MkdirAll(filepath.Join(m.layersDir, LayerID{Buildpack: bp}.Dir()), 0o755))
	}
	must(t, os.Chmod(m.layersDir, 0o755))
	snapshot, err := Load(t.Context(), store, "latest")
	if errors.Is(err, ErrNotFound) {
		return m
	}
	must(t, err)
	m.req.Previous = snapshot
	for _, bp := range snapshot.metadata.Buildpacks {
		if slices.Contains(group, bp.ID) {
			for name := range bp.Layers {
				m.restore(snapshot, LayerID{Buildpack: bp.ID, Layer: name})
			}
		}
	}
	return m
}

func (m *machine) restore(from *Snapshot, id LayerID) {
	m.t.Helper()
	_, err := from.Restore(m.t.Context(), previousDiffID(from, id), m.layersDir, id.Dir(), RestoreOptions{StateDir: m.req.StateDir})
	must(m.t, err)
}

// makes says that the build has the layer, with these files besides what was
// restored.
func (m *machine) makes(layer CachedLayer, files ...string) {
	m.t.Helper()
	for _, file := range files {
		write(m.t, filepath.Join(m.layersDir, layer.ID.Dir(), file), "content of "+file)
	}
	m.req.Layers = append(m.req.Layers, layer)
}

func (m *machine) save() *SaveReport {
	m.t.Helper()
	report, err := Save(m.t.Context(), m.req)
	must(m.t, err)
	return report
}

// statuses are the layers of a report and what became of them.
func statuses(report *SaveReport) map[string]Status {
	got := map[string]Status{}
	for _, layer := range report.Layers {
		got[layer.ID.String()] = layer.Status
	}
	return got
}

func wantStatuses(t *testing.T, report *SaveReport, want map[string]Status) {
	t.Helper()
	if diff := cmp.Diff(want, statuses(report)); diff != "" {
		t.Errorf("layers: %s\n%+v", diff, report)
	}
}

var (
	m2   = cacheLayer("samples/java", "m2", false)
	jdk  = cacheLayer("samples/java", "jdk", true)
	deps = cacheLayer("samples/node", "deps", false)
)

// seeded is a store in which a first build has saved m2, jdk and deps.
func seeded(t *testing.T) *fakeStore {
	t.Helper()
	store := newFakeStore()
	m := newMachine(t, store, "samples/java", "samples/node")
	m.makes(m2, "repo/a.jar", "repo/b.jar")
	m.makes(jdk, "bin/java")
	m.makes(deps, "left-pad")
	report := m.save()
	wantStatuses(t, report, map[string]Status{"samples/java:m2": Added, "samples/java:jdk": Added, "samples/node:deps": Added})
	if !report.Changed || report.Sent == 0 {
		t.Errorf("report %+v", report)
	}
	return store
}

// The snapshot is what the stock lifecycle writes, plus the target.
func TestSaveGolden(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	m := newMachine(t, store, "samples/java", "samples/node")
	for _, layer := range []CachedLayer{m2, jdk, deps} {
		m.makes(layer, "file")
		dir := filepath.Join(m.layersDir, layer.ID.Dir())
		for _, path := range []string{filepath.Join(dir, "file"), dir} {
			must(t, os.Chtimes(path, time.Unix(1e9, 5), time.Unix(1e9, 5)))
		}
	}
	must(t, os.Chown(m.layersDir, os.Getuid(), os.Getgid()))
	m.req.UID, m.req.GID = os.Getuid(), os.Getgid()
	m.save()
	manifest, err := store.manifest("latest")
	must(t, err)
	var config any
	must(t, json.Unmarshal(store.blobs[manifest.Config.Digest.String()], &config))
	// Digests differ with the owner of the test; where they come from is the
	// matter of other tests.
	text := fmt.Sprintf("%s\n", indent(t, config))
	text += fmt.Sprintf("%s\n", indent(t, manifest))
	snapshot, err := Load(t.Context(), store, "latest")
	must(t, err)
	for diffID, layer := range snapshot.layers {
		text = strings.ReplaceAll(text, diffID, "DIFFID")
		text = strings.ReplaceAll(text, layer.Digests()[0], "DIGEST")
		text = strings.ReplaceAll(text, fmt.Sprintf(`"size": %d`, layer.Stored()), `"size": 0`)
	}
	text = strings.ReplaceAll(text, manifest.Config.Digest.String(), "CONFIG")
	golden(t, "snapshot.golden", text)
}

func indent(t *testing.T, v any) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "", "  ")
	must(t, err)
	return string(data)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: %s", path, diff)
	}
}

// Where nothing happened, nothing is read, sent or written.
func TestSaveUnchanged(t *testing.T) {
	t.Parallel()
	store := seeded(t)
	m := newMachine(t, store, "samples/java", "samples/node")
	m.makes(m2)
	m.makes(jdk)
	m.makes(deps)
	opens, pushes, commits := store.opens, store.pushes, store.commits
	report := m.save()
	wantStatuses(t, report, map[string]Status{"samples/java:m2": Reused, "samples/java:jdk": Reused, "samples/node:deps": Reused})
	if report.Changed || report.Sent != 0 || report.Digest != m.req.Previous.Digest() {
		t.Errorf("report %+v", report)
	}
	if store.opens != opens || store.pushes != pushes || store.commits != commits {
		t.Errorf("%d opens, %d pushes, %d commits", store.opens-opens, store.pushes-pushes, store.commits-commits)
	}
}

// Without a fingerprint, the archive is made again to see that it is the same.
func TestSaveUnchangedWithoutState(t *testing.T) {
	t.Parallel()
	store := seeded(t)
	m := newMachine(t, store, "samples/java", "samples/node")
	m.makes(m2)
	m.makes(jdk)
	m.makes(deps)
	m.req.StateDir = ""
	pushes := store.pushes
	report := m.save()
	wantStatuses(t, report, map[string]Status{"samples/java:m2": Reused, "samples/java:jdk": Reused, "samples/node:deps": Reused})
	if report.Changed || report.Sent != 0 || store.pushes != pushes {
		t.Errorf("report %+v, %d pushes", report, store.pushes-pushes)
	}
}

func TestSaveTimesMoved(t *testing.T) {
	t.Parallel()
	store := seeded(t)
	m := newMachine(t, store, "samples/java", "samples/node")
	for _, layer := range []CachedLayer{m2, jdk, deps} {
		m.makes(layer)
		must(t, filepath.WalkDir(filepath.Join(m.layersDir, layer.ID.Dir()), func(path string, _ os.DirEntry, err error) error {
			return errors.Join(err, os.Chtimes(path, time.Now(), time.Now()))
		}))
	}
	report := m.save()
	wantStatuses(t, report, map[string]Status{"samples/java:m2": Reused, "samples/java:jdk": Reused, "samples/node:deps": Reused})
	if report.Changed || report.Sent != 0 {
		t.Errorf("report %+v", report)
	}
}

func TestSaveChanges(t *testing.T) {
	t.Parallel()
	for _, withState := range []bool{true, false} {
		t.Run(fmt.Sprint("state ", withState), func(t *testing.T) {
			t.Parallel()
			store := seeded(t)
			before, err := store.manifest("latest")
			must(t, err)
			m := newMachine(t, store, "samples/java", "samples/node")
			m.makes(m2, "repo/c.jar")
			m.makes(cacheLayer("samples/node", "npm", false), "x")
			m.makes(deps)
			if !withState {
				m.req.StateDir = ""
			}
			pushes := store.pushes
			report := m.save()
			wantStatuses(t, report, map[string]Status{
				"samples/java:m2": Updated, "samples/java:jdk": Removed, "samples/node:npm": Added, "samples/node:deps": Reused,
			})
			if !report.Changed || store.pushes != pushes+3 { // two layers, the config
				t.Errorf("report %+v, %d pushes", report, store.pushes-pushes)
			}
			if withState && report.Layers[0].Reason != "files: 1 new" {
				t.Errorf("reason %q", report.Layers[0].Reason)
			}
			after, err := store.manifest("latest")
			must(t, err)
			if len(after.Layers) != 3 || after.Layers[2].Digest != before.Layers[2].Digest {
				t.Errorf("layers %+v", after.Layers)
			}
			next := newMachine(t, store, "samples/java", "samples/node")
			got := testtree.Describe(t, filepath.Join(next.layersDir, "samples_java/m2"), true)
			if diff := cmp.Diff(testtree.Describe(t, filepath.Join(m.layersDir, "samples_java/m2"), true), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A buildpack leaves the group and comes back: its layers are still there.
func TestSaveKeeps(t *testing.T) {
	t.Parallel()
	store := seeded(t)
	m := newMachine(t, store, "samples/java")
	m.makes(m2, "repo/c.jar")
	m.makes(jdk)
	report := m.save()
	wantStatuses(t, report, map[string]Status{"samples/java:m2": Updated, "samples/java:jdk": Reused, "samples/node:deps": Kept})
	back := newMachine(t, store, "samples/node", "samples/java")
	if _, err := os.Stat(filepath.Join(back.layersDir, "samples_node/deps/left-pad")); err != nil {
		t.Error(err)
	}
	version := back.req.Previous.metadata.MetadataForBuildpack("samples/node").Version
	if version != "1.2.3" {
		t.Errorf("version %q", version)
	}
	// Nothing but what is kept: no change.
	nobody := newMachine(t, store, "samples/go")
	report = nobody.save()
	wantStatuses(t, report, map[string]Status{"samples/java:m2": Kept, "samples/java:jdk": Kept, "samples/node:deps": Kept})
	if report.Changed || report.Sent != 0 {
		t.Errorf("report %+v", report)
	}
}

func TestSaveKeepsOnlyWhatIsThere(t *testing.T) {
	t.Parallel()
	store := seeded(t)
	m := newMachine(t, store, "samples/java")
	m.makes(m2)
	m.makes(jdk)
	lost, _ := blobOf(m.req.Previous, previousDiffID(m.req.Previous, deps.ID))
	data := store.blobs[lost.Digest.String()]
	store.onOpen = func(v1.Descriptor, int64, int64) (io.ReadCloser, error) { return nil, errors.New("503") }
	if _, err := Save(t.Context(), m.req); err == nil {
		t.Error("no error although it is unknown whether a layer can be kept")
	}
	store.onOpen = nil
	delete(store.blobs, lost.Digest.String())
	wantStatuses(t, m.save(), map[string]Status{"samples/java:m2": Reused, "samples/java:jdk": Reused, "samples/node:deps": Removed})
	store.blobs[lost.Digest.String()] = data
}

// What was made for another platform is neither kept nor reused.
func TestSaveForOtherTarget(t *testing.T) {
	t.Parallel()
	store := seeded(t)
	m := newMachine(t, store, "samples/java")
	m.makes(m2)
	m.req.Target.Architecture = "arm64"
	report := m.save()
	wantStatuses(t, report, map[string]Status{"samples/java:m2": Added})
	snapshot, err := Load(t.Context(), store, "latest")
	must(t, err)
	if snapshot.Target() != m.req.Target || len(snapshot.layers) != 1 {
		t.Errorf("%s with %d layers", snapshot.Target(), len(snapshot.layers))
	}
}

// An old cache image without target gets one.
func TestSaveRecordsTarget(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	m := newMachine(t, store, "samples/java")
	m.req.Target = Target{}
	m.makes(m2, "a")
	m.save()
	m = newMachine(t, store, "samples/java")
	m.makes(m2)
	if report := m.save(); !report.Changed || report.Layers[0].Status != Reused {
		t.Errorf("report %+v", report)
	}
}

func TestSaveFailedLayer(t *testing.T) {
	t.Parallel()
	store := seeded(t)
	m := newMachine(t, store, "samples/java")
	m.makes(m2, "repo/c.jar")
	m.makes(jdk)
	must(t, unix.Mkfifo(filepath.Join(m.layersDir, "samples_java/m2/pipe"), 0o600))
	m.req.Layers = append(m.req.Layers, cacheLayer("samples/java", "none", false))
	report := m.save()
	wantStatuses(t, report, map[string]Status{
		"samples/java:m2": Failed, "samples/java:none": Failed, "samples/java:jdk": Reused, "samples/node:deps": Kept,
	})
	if !strings.Contains(report.Layers[0].Reason, `"pipe"`) {
		t.Errorf("reason %q", report.Layers[0].Reason)
	}
	snapshot, err := Load(t.Context(), store, "latest")
	must(t, err)
	if len(snapshot.layers) != 2 || previousDiffID(snapshot, m2.ID) != "" {
		t.Errorf("snapshot %+v", snapshot.metadata)
	}
}

// A store that fails leaves the old snapshot as it was.
func TestSaveStoreFails(t *testing.T) {
	t.Parallel()
	full := errors.New("507 insufficient storage")
	for name, test := range map[string]struct {
		fail func(*fakeStore)
		want error
	}{
		"push":              {func(s *fakeStore) { s.onPush = func(v1.Descriptor) error { return full } }, full},
		"commit":            {func(s *fakeStore) { s.onCommit = func() error { return full } }, full},
		"denied":            {func(s *fakeStore) { s.onPush = func(v1.Descriptor) error { return ErrDenied } }, ErrDenied},
		"conflict for ever": {func(s *fakeStore) { s.onCommit = func() error { return ErrConflict } }, ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := seeded(t)
			m := newMachine(t, store, "samples/java")
			m.makes(m2, "repo/c.jar")
			test.fail(store)
			if _, err := Save(t.Context(), m.req); !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			} else if !strings.Contains(err.Error(), "fake.example.com/cache:latest") {
				t.Errorf("error %q does not name the cache", err)
			}
			after, err := Load(t.Context(), store, "latest")
			must(t, err)
			if after.Digest() != m.req.Previous.Digest() {
				t.Error("the old snapshot is gone")
			}
		})
	}
}

// A push that fails now and then is repeated.
func TestSaveTriesAgain(t *testing.T) {
	t.Parallel()
	store := seeded(t)
	m := newMachine(t, store, "samples/java")
	m.makes(m2, "repo/c.jar")
	failures := 1
	store.onPush = func(want v1.Descriptor) error {
		if failures--; failures >= 0 {
			return errors.New("502")
		}
		return nil
	}
	wantStatuses(t, m.save(), map[string]Status{"samples/java:m2": Updated, "samples/java:jdk": Removed, "samples/node:deps": Kept})
	newMachine(t, store, "samples/java")
}

func TestSaveCancelled(t *testing.T) {
	t.Parallel()
	store := seeded(t)
	m := newMachine(t, store, "samples/java")
	m.makes(m2, "repo/c.jar")
	m.makes(cacheLayer("samples/java", "big", false))
	random := make([]byte, 30<<20)
	write(t, filepath.Join(m.layersDir, "samples_java/big/file"), string(random))
	ctx, cancel := context.WithCancel(t.Context())
	store.onPush = func(v1.Descriptor) error { cancel(); return nil }
	if _, err := Save(ctx, m.req); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	store.onPush = nil
	if after, err := Load(t.Context(), store, "latest"); err != nil || after.Digest() != m.req.Previous.Digest() {
		t.Errorf("the old snapshot is gone: %v", err)
	}
}

// Two builds save at the same time: each one's own layers win, and the other's
// are kept.
func TestSaveConflict(t *testing.T) {
	t.Parallel()
	store := seeded(t)
	ours := newMachine(t, store, "samples/java")
	ours.makes(m2, "repo/ours.jar")
	theirs := newMachine(t, store, "samples/java", "samples/node", "samples/go")
	theirs.makes(m2, "repo/theirs.jar")
	theirs.makes(deps, "right-pad")
	theirs.makes(cacheLayer("samples/go", "mod", false), "x")
	store.onCommit = func() error {
		store.onCommit = nil
		theirs.save()
		return nil
	}
	report := ours.save()
	wantStatuses(t, report, map[string]Status{
		"samples/java:m2": Updated, "samples/node:deps": Kept, "samples/go:mod": Kept,
	})
	next := newMachine(t, store, "samples/java", "samples/node", "samples/go")
	for path, want := range map[string]bool{
		"samples_java/m2/repo/ours.jar": true, "samples_java/m2/repo/theirs.jar": false,
		"samples_node/deps/right-pad": true, "samples_go/mod/x": true,
	} {
		if _, err := os.Stat(filepath.Join(next.layersDir, path)); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// The other build may also have removed the cache, or put something else there.
func TestSaveConflictWithOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		meanwhile func(t *testing.T, s *fakeStore)
		overwrite bool
		want      error
	}{
		"removed":             {func(_ *testing.T, s *fakeStore) { delete(s.manifests, "latest") }, false, nil},
		"foreign":             {func(t *testing.T, s *fakeStore) { s.put(t, "latest", image{}) }, false, ErrForeign},
		"foreign, overwrite":  {func(t *testing.T, s *fakeStore) { s.put(t, "latest", image{}) }, true, nil},
		"other target":        {func(t *testing.T, s *fakeStore) { s.put(t, "latest", image{config: otherTarget()}) }, false, nil},
		"a cache, overwriten": {func(t *testing.T, s *fakeStore) { s.put(t, "latest", image{config: labelled(`{}`)}) }, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := seeded(t)
			m := newMachine(t, store, "samples/java")
			m.makes(m2, "repo/ours.jar")
			m.req.Overwrite = test.overwrite
			store.onCommit = func() error {
				store.onCommit = nil
				store.mu.Lock()
				defer store.mu.Unlock()
				test.meanwhile(t, store)
				return nil
			}
			_, err := Save(t.Context(), m.req)
			if !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if err == nil {
				snapshot, err := Load(t.Context(), store, "latest")
				must(t, err)
				if len(snapshot.layers) != 1 {
					t.Errorf("%d layers", len(snapshot.layers))
				}
			}
		})
	}
}

func otherTarget() v1.ConfigFile {
	config := labelled(`{}`)
	config.Config.Labels[distroNameLabel] = "debian"
	config.Architecture = "s390x"
	return config
}

// --clear-cache: nothing of the old content is left, whatever it was.
func TestSaveOverwrite(t *testing.T) {
	t.Parallel()
	store := seeded(t)
	foreign := store.put(t, "foreign", image{})
	seededDigest := blob.DigestOf(store.manifests["latest"].raw)
	for name, digest := range map[string]v1.Hash{"latest": seededDigest, "foreign": foreign, "new": {}} {
		m := newMachine(t, newFakeStore(), "samples/java")
		m.req.Store, m.req.Name, m.req.PreviousDigest, m.req.Overwrite = store, name, digest, true
		m.makes(m2, "repo/a.jar")
		wantStatuses(t, m.save(), map[string]Status{"samples/java:m2": Added})
		manifest, err := store.manifest(name)
		must(t, err)
		if len(manifest.Layers) != 1 {
			t.Errorf("%s: %d layers", name, len(manifest.Layers))
		}
	}
}

// A layer that came from another cache is copied as it is, not archived again.
func TestSaveFromImport(t *testing.T) {
	t.Parallel()
	for _, withState := range []bool{true, false} {
		t.Run(fmt.Sprint("state ", withState), func(t *testing.T) {
			t.Parallel()
			main := seeded(t)
			branch := newFakeStore()
			m := newMachine(t, main, "samples/java")
			m.makes(m2)
			m.makes(jdk, "bin/new")
			m.req.Imports, m.req.Previous = []*Snapshot{m.req.Previous}, nil
			m.req.Store = branch
			if !withState {
				m.req.StateDir = ""
			}
			report := m.save()
			wantStatuses(t, report, map[string]Status{"samples/java:m2": Added, "samples/java:jdk": Added})
			if got, want := report.Layers[0].Reason, "copied from fake.example.com/cache:latest"; got != want {
				t.Errorf("reason %q", got)
			}
			blob, _ := blobOf(m.req.Imports[0], previousDiffID(m.req.Imports[0], m2.ID))
			if _, ok := branch.blobs[blob.Digest.String()]; !ok || report.Layers[0].Sent != blob.Size {
				t.Errorf("the blob was not copied: %+v", report.Layers[0])
			}
			newMachine(t, branch, "samples/java")
		})
	}
}

// An import that is damaged or gone is no reason to fail, or to spread it.
func TestSaveFromBadImport(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(s *fakeStore, digest string){
		"gone":    func(s *fakeStore, digest string) { delete(s.blobs, digest) },
		"damaged": func(s *fakeStore, digest string) { s.blobs[digest] = slices.Concat([]byte("x"), s.blobs[digest][1:]) },
		"denied": func(s *fakeStore, _ string) {
			s.onOpen = func(v1.Descriptor, int64, int64) (io.ReadCloser, error) { return nil, ErrDenied }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			main := seeded(t)
			branch := newFakeStore()
			m := newMachine(t, main, "samples/java")
			m.makes(m2)
			m.req.Imports, m.req.Previous = []*Snapshot{m.req.Previous}, nil
			m.req.Store = branch
			blob, _ := blobOf(m.req.Imports[0], previousDiffID(m.req.Imports[0], m2.ID))
			spoil(main, blob.Digest.String())
			wantStatuses(t, m.save(), map[string]Status{"samples/java:m2": Added})
			newMachine(t, branch, "samples/java") // restores
		})
	}
}

// mountingStore can take over what another store has.
type mountingStore struct {
	*fakeStore
	mounted []string
}

func (s *mountingStore) MountFrom(_ context.Context, from Store, blob v1.Descriptor) (bool, error) {
	s.mounted = append(s.mounted, blob.Digest.String())
	s.blobs[blob.Digest.String()] = from.(*fakeStore).blobs[blob.Digest.String()]
	return true, nil
}

func TestSaveMounts(t *testing.T) {
	t.Parallel()
	m := newMachine(t, seeded(t), "samples/java")
	m.makes(m2)
	store := &mountingStore{fakeStore: newFakeStore()}
	m.req.Imports, m.req.Previous, m.req.Store = []*Snapshot{m.req.Previous}, nil, store
	report := m.save()
	if len(store.mounted) != 1 || report.Layers[0].Sent != 0 {
		t.Errorf("mounted %v, report %+v", store.mounted, report)
	}
}

// A blob that has gone from the store is stored again, though nothing changed.
func TestSaveHeals(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(s *fakeStore, digest string){
		"gone":    func(s *fakeStore, digest string) { delete(s.blobs, digest) },
		"damaged": func(s *fakeStore, digest string) { s.blobs[digest] = slices.Concat([]byte("x"), s.blobs[digest][1:]) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := seeded(t)
			snapshot, err := Load(t.Context(), store, "latest")
			must(t, err)
			m := newMachine(t, newFakeStore(), "samples/java", "samples/node")
			m.req.Store, m.req.Previous = store, snapshot
			m.restore(snapshot, m2.ID)
			m.restore(snapshot, deps.ID)
			m.makes(m2)
			m.makes(deps)
			blob, _ := blobOf(snapshot, previousDiffID(snapshot, jdk.ID))
			spoil(store, blob.Digest.String())
			if _, err := snapshot.Restore(t.Context(), previousDiffID(snapshot, jdk.ID), m.layersDir, jdk.ID.Dir(), RestoreOptions{StateDir: m.req.StateDir}); err == nil {
				t.Fatal("no error")
			}
			m.makes(jdk, "bin/java") // the very same again
			report := m.save()
			wantStatuses(t, report, map[string]Status{"samples/java:m2": Reused, "samples/java:jdk": Reused, "samples/node:deps": Reused})
			if report.Sent == 0 {
				t.Error("nothing was stored")
			}
			newMachine(t, store, "samples/java", "samples/node") // restores
		})
	}
}

func TestSaveCompression(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		compression   blob.Compression
		force, docker bool
		kept, made    types.MediaType
	}{
		{blob.Compression{}, false, false, types.OCILayerZStd, types.OCILayerZStd},
		{blob.Compression{Codec: blob.Gzip}, false, false, types.OCILayerZStd, types.OCILayer},
		{blob.Compression{Codec: blob.Gzip}, true, false, types.OCILayer, types.OCILayer},
		{blob.Compression{Codec: blob.Uncompressed}, true, false, types.OCIUncompressedLayer, types.OCIUncompressedLayer},
		{blob.Compression{Codec: blob.Gzip}, false, true, types.DockerLayer, types.DockerLayer},
		{blob.Compression{Codec: blob.Uncompressed}, false, true, types.DockerUncompressedLayer, types.DockerUncompressedLayer},
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			t.Parallel()
			store := seeded(t)
			m := newMachine(t, store, "samples/java")
			m.makes(m2, "repo/c.jar")
			m.makes(jdk)
			m.req.Compression, m.req.ForceCompression, m.req.DockerMediaTypes = test.compression, test.force, test.docker
			wantStatuses(t, m.save(), map[string]Status{"samples/java:m2": Updated, "samples/java:jdk": Reused, "samples/node:deps": Kept})
			manifest, err := store.manifest("latest")
			must(t, err)
			var got []types.MediaType
			for _, layer := range manifest.Layers {
				got = append(got, layer.MediaType)
			}
			if diff := cmp.Diff([]types.MediaType{test.made, test.kept, test.kept}, got); diff != "" {
				t.Error(diff)
			}
			if docker := manifest.MediaType == types.DockerManifestSchema2; docker != test.docker {
				t.Errorf("manifest of type %s", manifest.MediaType)
			}
			newMachine(t, store, "samples/java", "samples/node") // restores
		})
	}
}

func TestSaveRefuses(t *testing.T) {
	t.Parallel()
	level := func(n int) *int { return &n }
	for want, change := range map[string]func(*SaveRequest){
		"compression=lzma":     func(r *SaveRequest) { r.Compression.Codec = "lzma" },
		"compression=zstd":     func(r *SaveRequest) { r.DockerMediaTypes = true },
		"compression-level=10": func(r *SaveRequest) { r.Compression = blob.Compression{Codec: blob.Gzip, Level: level(10)} },
		"compression-level=23": func(r *SaveRequest) { r.Compression = blob.Compression{Codec: blob.Zstd, Level: level(23)} },
		"compression-level=-1": func(r *SaveRequest) { r.Compression = blob.Compression{Codec: "", Level: level(-1)} },
		"compression-level=1":  func(r *SaveRequest) { r.Compression = blob.Compression{Codec: blob.Uncompressed, Level: level(1)} },
		"layer a:..":           func(r *SaveRequest) { r.Layers = []CachedLayer{cacheLayer("a", "..", false)} },
		"layer ..:b":           func(r *SaveRequest) { r.Layers = []CachedLayer{cacheLayer("..", "b", false)} },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, newFakeStore())
			change(&m.req)
			_, err := Save(t.Context(), m.req)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v does not say %q", err, want)
			}
		})
	}
}

// A cache without layers is a cache: one empty archive, as the lifecycle has it.
func TestSaveEmpty(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	m := newMachine(t, store, "samples/java")
	if report := m.save(); !report.Changed {
		t.Errorf("report %+v", report)
	}
	snapshot, err := Load(t.Context(), store, "latest")
	must(t, err)
	if _, ok := snapshot.Layer(blob.DigestOf(make([]byte, 1024)).String()); !ok || len(snapshot.layers) != 1 {
		t.Errorf("blobs %+v", snapshot.layers)
	}
	m = newMachine(t, store, "samples/java")
	if report := m.save(); report.Changed || report.Sent != 0 {
		t.Errorf("report %+v", report)
	}
	m.makes(m2, "a")
	m.save()
	manifest, err := store.manifest("latest")
	must(t, err)
	if len(manifest.Layers) != 1 {
		t.Errorf("layers %+v", manifest.Layers)
	}
}

func TestSaveSBOM(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	m := newMachine(t, store, "samples/java")
	m.req.SBOM = "sbom/cache"
	m.makes(m2, "a")
	m.save()
	m = newMachine(t, store, "samples/java")
	m.req.SBOM = "sbom/cache"
	m.makes(m2)
	write(t, filepath.Join(m.layersDir, "sbom/cache/samples_java/m2/sbom.cdx.json"), "{}")
	report := m.save()
	wantStatuses(t, report, map[string]Status{"samples/java:m2": Reused, "buildpacksio/lifecycle:cache.sbom": Added})
	snapshot, err := Load(t.Context(), store, "latest")
	must(t, err)
	sha := snapshot.Metadata().BOM.SHA
	restored := t.TempDir()
	_, err = snapshot.Restore(t.Context(), sha, restored, "sbom/cache", RestoreOptions{})
	must(t, err)
	if _, err := os.Stat(filepath.Join(restored, "sbom/cache/samples_java/m2/sbom.cdx.json")); err != nil {
		t.Error(err)
	}
	m.req.Previous = snapshot
	report = m.save()
	if report.Changed {
		t.Errorf("report %+v", report)
	}
}

// The lifecycle lists a reused layer twice; we do not, and put it right.
func TestSaveListsOnce(t *testing.T) {
	t.Parallel()
	store := seeded(t)
	snapshot, err := Load(t.Context(), store, "latest")
	must(t, err)
	twice := &contents{metadata: snapshot.metadata, target: snapshot.target}
	for range 2 {
		for _, diffID := range snapshot.order {
			blob, _ := blobOf(snapshot, diffID)
			twice.layers = append(twice.layers, layerOf(diffID, blob))
		}
	}
	config, _, err := twice.pushConfig(t.Context(), store, nil)
	must(t, err)
	raw, mediaType, err := twice.manifest(config)
	must(t, err)
	store.manifests["latest"] = fakeManifest{mediaType, raw}

	m := newMachine(t, store, "samples/java", "samples/node")
	m.makes(m2)
	m.makes(jdk)
	m.makes(deps)
	if report := m.save(); !report.Changed || statuses(report)["samples/java:m2"] != Reused {
		t.Errorf("report %+v", report)
	}
	manifest, err := store.manifest("latest")
	must(t, err)
	if len(manifest.Layers) != 3 {
		t.Errorf("%d layers", len(manifest.Layers))
	}
}

// A layer that becomes a launch layer must have the app layer's diffID, though
// no file changed.
func TestSaveBecomesLaunch(t *testing.T) {
	t.Parallel()
	store := seeded(t)
	m := newMachine(t, store, "samples/java", "samples/node")
	m.makes(m2)
	m.makes(jdk)
	m.makes(cacheLayer("samples/node", "deps", true))
	wantStatuses(t, m.save(), map[string]Status{"samples/java:m2": Reused, "samples/java:jdk": Reused, "samples/node:deps": Updated})
	snapshot, err := Load(t.Context(), store, "latest")
	must(t, err)
	form := archive.Form{LayersDir: m.layersDir, Prefix: "/layers", Dir: "samples_node/deps", Normalized: true, UID: 1000, GID: 1001}
	if _, want := archiveOf(t, form); previousDiffID(snapshot, deps.ID) != want {
		t.Error("not the app layer's diffID")
	}
}

// Launch layers that are not cached, and layers that the build left where they
// are, are taken over from the snapshot that has them.
func TestSaveElsewhere(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	app := cacheLayer("samples/java", "app", true)
	app.Metadata.Cache = false
	m := newMachine(t, store, "samples/java")
	m.req.LaunchLayers = true
	m.makes(m2, "a")
	m.makes(app, "b")
	m.save()
	snapshot, err := Load(t.Context(), store, "latest")
	must(t, err)
	if snapshot.Metadata().Buildpacks[0].Layers["app"].Cache {
		t.Error("a launch layer is said to be cached")
	}
	left := app
	left.Elsewhere = previousDiffID(snapshot, app.ID)
	for _, imported := range []bool{false, true} {
		m := newMachine(t, newFakeStore(), "samples/java")
		m.req.LaunchLayers = true
		want := Reused
		if m.req.Store, m.req.Previous = store, snapshot; imported {
			m.req.Store, m.req.Previous, m.req.Imports = newFakeStore(), nil, []*Snapshot{snapshot}
			want = Added
		}
		m.restore(snapshot, m2.ID)
		m.makes(m2)
		m.req.Layers = append(m.req.Layers, left)
		report := m.save()
		wantStatuses(t, report, map[string]Status{"samples/java:m2": want, "samples/java:app": want})
		if report.Changed != imported {
			t.Errorf("report %+v", report)
		}
	}
	lost := left
	lost.Elsewhere = blob.DigestOf(nil).String()
	m = newMachine(t, newFakeStore(), "samples/java")
	m.req.Layers = []CachedLayer{lost}
	wantStatuses(t, m.save(), map[string]Status{"samples/java:app": Absent})
}
