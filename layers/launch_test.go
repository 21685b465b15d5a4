package layers

import (
	"testing"

	"github.com/buildpacks/lifecycle/buildpack"

	"github.com/pack-cache/pack-cache/layers/blob"
)

// TestLaunchLayers keeps a layer that is for launch only: it is in the snapshot
// with its own flags, stays there when a build does not make it again, goes when
// it is no longer wanted, and does not become another buildpack's loss.
func TestLaunchLayers(t *testing.T) {
	t.Parallel()
	report := CachedLayer{
		ID: LayerID{Buildpack: "samples/java", Layer: "report"}, Version: "1.2.3",
		Metadata: buildpack.LayerMetadata{LayerMetadataFile: buildpack.LayerMetadataFile{Launch: true}},
	}
	store := newFakeStore()
	first := newMachine(t, store, "samples/java", "samples/node")
	first.req.LaunchLayers = true
	first.makes(m2, "repo/a.jar")
	first.makes(report, "report.html")
	first.makes(deps, "left-pad")
	first.save()
	flags := func() (launch, cache bool, diffID string) {
		t.Helper()
		snapshot, err := Load(t.Context(), store, "latest")
		must(t, err)
		metadata := snapshot.Metadata()
		md := metadata.MetadataForBuildpack("samples/java").Layers["report"]
		return md.Launch, md.Cache, md.SHA
	}
	launch, cache, diffID := flags()
	if !launch || cache || diffID == "" {
		t.Fatalf("kept with launch=%t, cache=%t, diffID %q", launch, cache, diffID)
	}

	again := newMachine(t, store, "samples/java", "samples/node")
	again.req.LaunchLayers = true
	again.makes(m2)
	elsewhere := report
	elsewhere.Elsewhere = diffID
	again.makes(elsewhere)
	again.makes(deps)
	got := again.save()
	wantStatuses(t, got, map[string]Status{"samples/java:m2": Reused, "samples/java:report": Reused, "samples/node:deps": Reused})
	if got.Changed || got.Sent != 0 {
		t.Errorf("an unchanged snapshot was saved: %+v", got)
	}

	other := newMachine(t, store, "samples/node")
	other.req.LaunchLayers = true
	other.makes(deps)
	wantStatuses(t, other.save(), map[string]Status{"samples/java:m2": Kept, "samples/java:report": Kept, "samples/node:deps": Reused})

	smaller := newMachine(t, store, "samples/java", "samples/node")
	smaller.makes(m2)
	smaller.makes(deps)
	if got := smaller.save(); !got.Changed {
		t.Errorf("the launch layer is still there: %+v", got)
	}
	if _, _, diffID := flags(); diffID != "" {
		t.Error("the launch layer is still in the metadata")
	}

	larger := newMachine(t, store, "samples/java", "samples/node")
	larger.req.LaunchLayers = true
	larger.makes(m2)
	larger.makes(elsewhere)
	larger.makes(deps)
	got = larger.save()
	wantStatuses(t, got, map[string]Status{"samples/java:m2": Reused, "samples/java:report": Absent, "samples/node:deps": Reused})
	if got.Changed {
		t.Errorf("the snapshot changed: %+v", got)
	}
}

// TestLaunchLayersRecode takes over a layer in another compression.
func TestLaunchLayersRecode(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	first := newMachine(t, store, "samples/java")
	first.makes(jdk, "bin/java")
	first.save()
	snapshot, err := Load(t.Context(), store, "latest")
	must(t, err)

	other := newFakeStore()
	second := newMachine(t, other, "samples/java")
	second.req.Imports = []*Snapshot{snapshot}
	second.req.Compression, second.req.ForceCompression = blob.Compression{Codec: blob.Gzip}, true
	layer := jdk
	layer.Elsewhere = previousDiffID(snapshot, jdk.ID)
	second.makes(layer)
	wantStatuses(t, second.save(), map[string]Status{"samples/java:jdk": Added})
	saved, err := Load(t.Context(), other, "latest")
	must(t, err)
	stored, ok := saved.Layer(layer.Elsewhere)
	if !ok || stored.Codec() != blob.Gzip {
		t.Errorf("saved as %+v", stored)
	}
}
