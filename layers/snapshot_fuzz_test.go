package layers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/test/testtree"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// A whole snapshot by an enemy. CONFIG, SIZE, LAYER, LENGTH and DIFF stand for
// the digests and sizes of what is fuzzed itself, so that it is found.
const (
	fuzzManifest = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",` +
		`"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"CONFIG","size":SIZE},` +
		`"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"LAYER","size":LENGTH%s}]}`
	fuzzConfig = `{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["DIFF"]},"config":{"Labels":{` +
		`"io.buildpacks.lifecycle.cache.metadata":"{\"buildpacks\":[{\"key\":\"%s\",\"version\":\"1\",\"layers\":{\"%s\":` +
		`{\"sha\":\"DIFF\",\"data\":{\"a\":[1,{}]},\"cache\":true,\"launch\":%v}}}],\"sbom\":{\"sha\":\"%s\"}}"}}}`
)

// FuzzSnapshot loads, checks and restores whatever a store can hold. Nothing but
// the places of the layers changes.
func FuzzSnapshot(f *testing.F) {
	layer := tarOf(f, append(above[:3:3], dirEntry("/layers/bp/layer/d"), fileEntry("/layers/bp/layer/d/f", "x"))...)
	for _, seed := range []struct {
		annotations, buildpack, name, sbom string
		launch                             any
	}{
		{"", "bp", "layer", "DIFF", true},
		{`,"annotations":{"com.github.pack-cache.size":"99999999999999"}`, "bp", "layer", "", false},
		{`},{"mediaType":"application/vnd.oci.image.layer.v1.tar+zstd","digest":"LAYER","size":-1`, "../..", "..", "sha256:x", false},
		{`,"urls":["http://127.0.0.1/"],"data":"eA=="`, "a/b", `\\u0000`, "DIFF", "null"},
	} {
		f.Add(fmt.Sprintf(fuzzManifest, seed.annotations), fmt.Sprintf(fuzzConfig, seed.buildpack, seed.name, seed.launch, seed.sbom), layer)
	}
	f.Add(`{"schemaVersion":2,"layers":null,"config":null}`, `{}`, []byte("x"))
	f.Add(strings.Repeat("[", 1000), strings.Repeat(`{"a":`, 1000), []byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, manifest, config string, layer []byte) {
		if len(manifest)+len(config)+len(layer) > 1<<20 {
			return
		}
		store := newFakeStore()
		named := strings.NewReplacer("DIFF", blob.DigestOf(layer).String(), "LAYER", blob.DigestOf(layer).String(), "LENGTH", fmt.Sprint(len(layer)))
		config = named.Replace(config)
		manifest = named.Replace(strings.NewReplacer("CONFIG", blob.DigestOf([]byte(config)).String(), "SIZE", fmt.Sprint(len(config))).Replace(manifest))
		store.blobs[blob.DigestOf(layer).String()] = layer
		store.blobs[blob.DigestOf([]byte(config)).String()] = []byte(config)
		store.manifests["x"] = fakeManifest{types.OCIManifestSchema1, []byte(manifest)}
		snapshot, err := Load(t.Context(), store, "x")
		if err != nil {
			return
		}
		if snapshot.Size() < 0 || snapshot.Footprint() < 0 {
			t.Errorf("size %d, footprint %d", snapshot.Size(), snapshot.Footprint())
		}
		if _, err := snapshot.Check(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		outside := t.TempDir()
		layersDir := filepath.Join(outside, "layers")
		must(t, os.MkdirAll(layersDir, 0o755))
		must(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("mine"), 0o644))
		before := testtree.Describe(t, outside, false)
		for _, content := range snapshot.Contents() {
			dir := content.ID.Dir()
			if content.ID == (LayerID{}) || strings.Contains(dir, "..") {
				dir = "bp/layer"
			}
			_, _ = snapshot.Restore(t.Context(), content.DiffID, layersDir, dir, RestoreOptions{})
		}
		after := testtree.Describe(t, outside, false)
		for path := range after {
			if strings.HasPrefix(path, "layers/") {
				delete(after, path)
			}
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("outside the layers: %s", diff)
		}
		must(t, removeAll(outside, "layers"))
	})
}
