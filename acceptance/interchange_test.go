package acceptance

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// interchanged are the layers that go to and fro between pack-cache and the
// stock lifecycle, those of samples/churn by what the setting below asks for.
var interchanged = []struct{ buildpack, layer string }{
	{"flags", "only-cache"}, {"flags", "launch-cache"}, {"flags", "build-cache"}, {"flags", "launch-build-cache"},
	{"churn", "stays"}, {"churn", "launch-stays"}, {"churn", "one"}, {"churn", "launch-one"},
}

const interchangedChurn = "stays cache keep\nlaunch-stays launch,cache keep\none cache one\nlaunch-one launch,cache one\n"

// TestStockReadsOurCache has the stock lifecycle restore what pack-cache saved,
// with zstd, and compares what it makes of it entry by entry.
func TestStockReadsOurCache(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"churn": interchangedChurn, "seed": "1"}, nil)
	cold, _ := newMachine(t).build(reg.ref("app"), "--builder", builder, "--path", app.dir, "--cache-image", reg.ref("cache"), "--publish")
	ours := reg.cache(t, reg.ref("cache"))
	before := reg.cacheTrees(t, ours)
	for _, blob := range ours.manifest.Layers {
		if want := "application/vnd.oci.image.layer.v1.tar+zstd"; string(blob.MediaType) != want {
			t.Errorf("a layer is of type %s, want %s", blob.MediaType, want)
		}
	}

	app.set(map[string]string{"seed": "2"})
	out := reg.creator(t, builder, app, cold.Builder.PlatformAPI, "-cache-image", reg.ref("cache"), reg.ref("app"))
	for _, l := range interchanged {
		wantLines(t, out,
			`Restoring data for "samples/`+l.buildpack+":"+l.layer+`" from cache`,
			l.buildpack+": "+l.layer+": restored")
	}
	wantLines(t, out, "Restoring data for SBOM from cache")
	wantNoLines(t, out, "Warning", "Failed")
	after := reg.cacheTrees(t, reg.cache(t, reg.ref("cache")))
	if diff := cmp.Diff(withoutChanges(before), withoutChanges(after)); diff != "" {
		t.Errorf("layers that pack-cache saved and the stock lifecycle restored and saved (-ours +stock):\n%s", diff)
	}
}

// TestWeReadStockCache has pack-cache restore what the stock lifecycle saved:
// first a cache that only the stock lifecycle has seen, then one in which it
// listed layers twice.
func TestWeReadStockCache(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"churn": interchangedChurn, "seed": "1"}, nil)
	const platformAPI = "0.15"
	stock := func() { reg.creator(t, builder, app, platformAPI, "-cache-image", reg.ref("cache"), reg.ref("app")) }
	stock()
	stockOnly := reg.cache(t, reg.ref("cache"))
	stockOnly.wantWhole(t)
	before := reg.cacheTrees(t, stockOnly)
	for _, step := range []struct {
		name, seed string
		// twice has the stock lifecycle build again before, which lists layers
		// that did not change twice.
		twice bool
	}{
		{"one changed", "2", false},
		{"nothing changed, layers listed twice", "2", true},
		{"one changed, layers listed twice", "3", true},
	} {
		if step.twice {
			stock()
			listed := reg.cache(t, reg.ref("cache")).diffIDs
			if once := slices.Compact(slices.Sorted(slices.Values(listed))); len(once) == len(listed) {
				t.Errorf("the stock lifecycle listed no layer twice: %v", listed)
			}
		}
		app.set(map[string]string{"seed": step.seed})
		t.Run(step.name, func(t *testing.T) {
			result, out := newMachine(t).build(reg.ref("app"), "--builder", builder, "--path", app.dir, "--cache-image", reg.ref("cache"), "--publish")
			if result.Builder.PlatformAPI != platformAPI {
				t.Errorf("pack-cache spoke Platform API %s", result.Builder.PlatformAPI)
			}
			for _, l := range interchanged {
				out.wantStderr(t, l.buildpack+": "+l.layer+": restored")
				if got := layerOf(t, result, "samples/"+l.buildpack+":"+l.layer); got.Restore != "restored" {
					t.Errorf("%+v", got)
				}
			}
			after := reg.cache(t, reg.ref("cache"))
			after.wantWhole(t)
			if diff := cmp.Diff(withoutChanges(before), withoutChanges(reg.cacheTrees(t, after))); diff != "" {
				t.Errorf("layers (-stock +ours):\n%s", diff)
			}
		})
	}
}

// withoutChanges leaves out of trees what the buildpack changes in them.
func withoutChanges(trees map[string]tree) map[string]tree {
	for _, layer := range []string{"one", "launch-one"} {
		delete(trees["samples/churn:"+layer], "/layers/samples_churn/"+layer+"/file-1")
	}
	return trees
}
