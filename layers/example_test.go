package layers_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/buildpacks/lifecycle/buildpack"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/ocidir"
)

// A layer is saved to a store, and restored where another build wants it.
func Example() {
	ctx := context.Background()
	work, err := os.MkdirTemp("", "layers-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(work)
	store := ocidir.New(ocidir.Config{Dir: filepath.Join(work, "cache")})

	// The first build has made a layer.
	first := filepath.Join(work, "first", "layers")
	if err := os.MkdirAll(filepath.Join(first, "acme_java", "m2"), 0o755); err != nil {
		fmt.Println(err)
		return
	}
	if err := os.WriteFile(filepath.Join(first, "acme_java", "m2", "lib.jar"), []byte("library"), 0o644); err != nil {
		fmt.Println(err)
		return
	}
	request := layers.SaveRequest{
		Store: store, Name: "main",
		Built:  layers.Built{LayersDir: first, ArchivePrefix: "/layers"},
		Group:  []string{"acme/java"},
		Target: layers.Target{OS: "linux", Architecture: "amd64"},
		Layers: []layers.CachedLayer{{
			ID:       layers.LayerID{Buildpack: "acme/java", Layer: "m2"},
			Version:  "1.2",
			Metadata: buildpack.LayerMetadata{LayerMetadataFile: buildpack.LayerMetadataFile{Cache: true}},
		}},
	}
	if _, err := layers.Save(ctx, request); err != nil {
		fmt.Println(err)
		return
	}

	// The second one, on another machine, brings it back.
	snapshot, err := layers.Load(ctx, store, "main")
	if err != nil {
		fmt.Println(err)
		return
	}
	second := filepath.Join(work, "second", "layers")
	if err := os.MkdirAll(second, 0o755); err != nil {
		fmt.Println(err)
		return
	}
	for _, content := range snapshot.Contents() {
		dir := filepath.Join("acme_java", content.ID.Layer)
		if _, err := snapshot.Restore(ctx, content.DiffID, second, dir, layers.RestoreOptions{}); err != nil {
			fmt.Println(err)
			return
		}
		data, err := os.ReadFile(filepath.Join(second, dir, "lib.jar"))
		fmt.Printf("%s/%s: %s %v\n", content.ID.Buildpack, content.ID.Layer, data, err)
	}
	// Output: acme/java/m2: library <nil>
}
