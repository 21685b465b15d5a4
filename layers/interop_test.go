package layers_test

import (
	"io"
	stdlog "log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buildpacks/lifecycle/api"
	"github.com/buildpacks/lifecycle/buildpack"
	"github.com/buildpacks/lifecycle/cache"
	lifecyclelayers "github.com/buildpacks/lifecycle/layers"
	"github.com/buildpacks/lifecycle/log"
	"github.com/buildpacks/lifecycle/phase"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/blob"
	"github.com/pack-cache/pack-cache/layers/registry"
)

// repository is a repository in a registry of our own, as our store and as a
// reference for the lifecycle.
func repository(t *testing.T) (*registry.Store, string) {
	t.Helper()
	server := httptest.NewServer(ggcr.New(ggcr.Logger(stdlog.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	ref := strings.TrimPrefix(server.URL, "http://") + "/team/cache:latest"
	parsed, err := name.ParseReference(ref)
	must(t, err)
	return registry.New(registry.Config{Ref: parsed}), ref
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// stock is the lifecycle's own cache image.
func stock(t *testing.T, ref string) *cache.ImageCache {
	t.Helper()
	c, err := cache.NewImageCacheFromName(ref, authn.DefaultKeychain, quiet{}, cache.NewImageDeleter(cache.NewImageComparer(), quiet{}, false))
	must(t, err)
	return c
}

type quiet struct{ log.Logger }

func (quiet) Debug(string)          {}
func (quiet) Debugf(string, ...any) {}
func (quiet) Info(string)           {}
func (quiet) Infof(string, ...any)  {}

var group = []buildpack.GroupElement{{ID: "samples/java", Version: "1.2.3", API: "0.11"}}

// buildLayers plays a buildpack with a cache layer and a launch layer that is
// cached, too.
func buildLayers(t *testing.T, layersDir, content string) {
	t.Helper()
	for path, text := range map[string]string{
		"samples_java/m2/repo/a.jar": content,
		"samples_java/m2.toml":       "[types]\ncache = true\n[metadata]\nn = 1\n",
		"samples_java/jdk/bin/java":  "binary",
		"samples_java/jdk.toml":      "[types]\ncache = true\nlaunch = true\n",
	} {
		path = filepath.Join(layersDir, path)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o644))
	}
}

// stockSave is the cache part of the lifecycle's exporter.
func stockSave(t *testing.T, layersDir, ref string) {
	t.Helper()
	exporter := &phase.Exporter{
		Buildpacks:   group,
		LayerFactory: &lifecyclelayers.Factory{ArtifactsDir: t.TempDir(), UID: 1000, GID: 1001, Logger: quiet{}},
		Logger:       quiet{},
		PlatformAPI:  api.MustParse("0.13"),
	}
	must(t, exporter.Cache(layersDir, stock(t, ref)))
}

func ourSave(t *testing.T, store *registry.Store, layersDir string, compression blob.Compression) *layers.SaveReport {
	t.Helper()
	req := layers.SaveRequest{
		Store: store, Name: "latest", Built: layers.Built{LayersDir: layersDir, UID: 1000, GID: 1001}, Group: []string{"samples/java"},
		Target:      layers.Target{OS: "linux", Architecture: "amd64", DistroName: "debian"},
		Compression: compression,
	}
	dir, err := buildpack.ReadLayersDir(layersDir, group[0], quiet{})
	must(t, err)
	for _, layer := range dir.FindLayers(buildpack.MadeCached) {
		metadata, err := layer.Read()
		must(t, err)
		req.Layers = append(req.Layers, layers.CachedLayer{
			ID: layers.LayerID{Buildpack: "samples/java", Layer: layer.Name()}, Version: "1.2.3", Metadata: metadata,
		})
	}
	if snapshot, err := layers.Load(t.Context(), store, "latest"); err == nil {
		req.Previous = snapshot
	}
	report, err := layers.Save(t.Context(), req)
	must(t, err)
	return report
}

// What the lifecycle saved is restored, also when it lists a layer twice.
func TestStockToOurs(t *testing.T) {
	t.Parallel()
	store, ref := repository(t)
	layersDir := t.TempDir()
	buildLayers(t, layersDir, "first")
	stockSave(t, layersDir, ref)
	stockSave(t, layersDir, ref) // reuses
	snapshot, err := layers.Load(t.Context(), store, "latest")
	must(t, err)
	if snapshot.Target() != (layers.Target{}) {
		t.Errorf("target %s", snapshot.Target())
	}
	restored := t.TempDir()
	metadata := snapshot.Metadata()
	for name, layer := range metadata.MetadataForBuildpack("samples/java").Layers {
		id := layers.LayerID{Buildpack: "samples/java", Layer: name}
		_, err := snapshot.Restore(t.Context(), layer.SHA, restored, id.Dir(), layers.RestoreOptions{})
		must(t, err)
	}
	for path, want := range map[string]string{"m2/repo/a.jar": "first", "jdk/bin/java": "binary"} {
		got, err := os.ReadFile(filepath.Join(restored, "samples_java", path))
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	// Our save takes the launch layer over as it is, and lists it once.
	report := ourSave(t, store, layersDir, blob.Compression{})
	for _, layer := range report.Layers {
		if layer.ID.Layer == "jdk" && (layer.Status != layers.Reused || layer.Sent != 0) {
			t.Errorf("%+v", layer)
		}
	}
}

// What we saved is restored by the lifecycle, and reused by it.
func TestOursToStock(t *testing.T) {
	t.Parallel()
	for _, compression := range []blob.Compression{{}, {Codec: blob.Gzip}, {Codec: blob.Uncompressed}} {
		t.Run(string(compression.Codec), func(t *testing.T) {
			t.Parallel()
			store, ref := repository(t)
			layersDir := t.TempDir()
			buildLayers(t, layersDir, "first")
			ourSave(t, store, layersDir, compression)

			c := stock(t, ref)
			if !c.Exists() {
				t.Fatal("the lifecycle does not find the cache")
			}
			metadata, err := c.RetrieveMetadata()
			must(t, err)
			cached := metadata.MetadataForBuildpack("samples/java").Layers
			if diff := cmp.Diff(map[string]any{"n": 1.0}, cached["m2"].Data); diff != "" || !cached["jdk"].Launch {
				t.Errorf("metadata %+v", cached)
			}
			must(t, os.RemoveAll(filepath.Join(layersDir, "samples_java")))
			for _, layer := range cached {
				archive, err := c.RetrieveLayer(layer.SHA)
				must(t, err)
				must(t, lifecyclelayers.Extract(archive, ""))
				_, err = io.Copy(io.Discard, archive)
				must(t, err)
				must(t, archive.Close())
			}
			got, err := os.ReadFile(filepath.Join(layersDir, "samples_java/m2/repo/a.jar"))
			if err != nil || string(got) != "first" {
				t.Errorf("%q, %v", got, err)
			}
			// Back and forth: the lifecycle saves over it, we load that.
			buildLayers(t, layersDir, "second")
			stockSave(t, layersDir, ref)
			snapshot, err := layers.Load(t.Context(), store, "latest")
			must(t, err)
			metadata = snapshot.Metadata()
			restored := t.TempDir()
			for name, layer := range metadata.MetadataForBuildpack("samples/java").Layers {
				id := layers.LayerID{Buildpack: "samples/java", Layer: name}
				_, err := snapshot.Restore(t.Context(), layer.SHA, restored, id.Dir(), layers.RestoreOptions{})
				must(t, err)
			}
			got, err = os.ReadFile(filepath.Join(restored, "samples_java/m2/repo/a.jar"))
			if err != nil || string(got) != "second" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// An empty cache can be exchanged both ways, too.
func TestEmptyInterchange(t *testing.T) {
	t.Parallel()
	store, ref := repository(t)
	layersDir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(layersDir, "samples_java"), 0o755))
	stockSave(t, layersDir, ref)
	snapshot, err := layers.Load(t.Context(), store, "latest")
	must(t, err)
	if n := len(snapshot.Metadata().Buildpacks); n != 1 {
		t.Errorf("%d buildpacks", n)
	}
	ourSave(t, store, layersDir, blob.Compression{})
	c := stock(t, ref)
	if !c.Exists() {
		t.Error("the lifecycle does not find the cache")
	}
	metadata, err := c.RetrieveMetadata()
	must(t, err)
	if len(metadata.Buildpacks) != 0 {
		t.Errorf("metadata %+v", metadata)
	}
	stockSave(t, layersDir, ref)
	buildLayers(t, layersDir, "full")
	stockSave(t, layersDir, ref)
}
