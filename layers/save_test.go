package layers

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/buildpacks/lifecycle/buildpack"
)

// cacheLayer is a CachedLayer with the flags of a cache-only layer.
func cacheLayer(bp, name string, launch bool) CachedLayer {
	return CachedLayer{
		ID:      LayerID{Buildpack: bp, Layer: name},
		Version: "1.2.3",
		Metadata: buildpack.LayerMetadata{LayerMetadataFile: buildpack.LayerMetadataFile{
			Data: map[string]any{"version": "17"}, Cache: true, Launch: launch,
		}},
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSaveAndRestore(t *testing.T) {
	t.Parallel()
	store, dir := newFakeStore(), t.TempDir()
	layer := cacheLayer("samples/java", "m2", false)
	write(t, filepath.Join(dir, layer.ID.Dir(), "repo/a.jar"), "hello")
	if err := os.Symlink("../../etc/passwd", filepath.Join(dir, layer.ID.Dir(), "link")); err != nil {
		t.Fatal(err)
	}
	req := SaveRequest{
		Store: store, Name: "latest", LayersDir: dir, ArchivePrefix: "/layers",
		Layers: []CachedLayer{layer}, Group: []string{"samples/java"}, UID: 1000, GID: 1000,
	}
	report, err := Save(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if !report.Changed || report.Layers[0].Status != Added {
		t.Fatalf("report: %+v", report)
	}
	snapshot, err := Load(t.Context(), store, "latest")
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	sha := previousDiffID(snapshot, layer.ID)
	transfer, err := snapshot.Restore(t.Context(), sha, other, layer.ID.Dir(), RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", transfer)
	content, err := os.ReadFile(filepath.Join(other, "samples_java/m2/repo/a.jar"))
	if err != nil || string(content) != "hello" {
		t.Fatalf("%q, %v", content, err)
	}
	req.Previous, req.LayersDir = snapshot, other
	report, err = Save(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if report.Changed || report.Sent != 0 || report.Layers[0].Status != Reused {
		t.Fatalf("report: %+v", report)
	}
}
