package acceptance

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/platform"
)

// churning is a layer of the buildpack samples/churn in two builds.
type churning struct {
	name string
	// first and second are its lines in the setting "churn"; "" if the build
	// does not have it.
	first, second string
	// state is how the second build's buildpack finds it.
	state string
	// fate is what the second build says of it.
	fate fate
}

var churningLayers = []churning{
	{"stays", "cache keep", "cache keep", "restored", fate{"restored", "reused"}},
	{"touched", "cache touch", "cache touch", "restored", fate{"restored", "reused"}},
	{"same", "cache same", "cache same", "restored", fate{"restored", "reused"}},
	{"one", "cache one", "cache one", "restored", fate{"restored", "updated"}},
	{"changed", "cache change", "cache change", "restored", fate{"restored", "updated"}},
	{"removed", "cache keep", "", "removed", fate{"restored", "removed"}},
	{"emptied", "cache keep", "cache bare", "restored", fate{"restored", "removed"}},
	{"demoted", "cache keep", "build keep", "restored", fate{"restored", "removed"}},
	{"added", "", "cache keep", "new", fate{"missed", "added"}},
	{"promoted", "build keep", "cache keep", "new", fate{"missed", "added"}},
	{"launch-stays", "launch,cache keep", "launch,cache keep", "restored", fate{"restored", "reused"}},
	{"launch-touched", "launch,cache touch", "launch,cache touch", "restored", fate{"restored", "reused"}},
	{"launch-same", "launch,cache same", "launch,cache same", "restored", fate{"restored", "reused"}},
	{"launch-one", "launch,cache one", "launch,cache one", "restored", fate{"restored", "updated"}},
	{"launch-removed", "launch,cache keep", "", "removed", fate{"restored", "removed"}},
	{"launch-added", "", "launch,cache keep", "new", fate{"missed", "added"}},
	{"launch-begins", "cache keep", "launch,cache keep", "restored", fate{"restored", "updated"}},
	{"launch-ends", "launch,cache keep", "cache keep", "restored", fate{"restored", "reused"}},
	{"build-stays", "build,cache keep", "build,cache keep", "restored", fate{"restored", "reused"}},
	{"build-changed", "build,cache change", "build,cache change", "restored", fate{"restored", "updated"}},
}

// churn returns the setting for one of the builds.
func churn(line func(churning) string) string {
	var lines []string
	for _, layer := range churningLayers {
		if line(layer) != "" {
			lines = append(lines, layer.name+" "+line(layer))
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// TestLayersChange changes layers in every way that there is between two
// builds. Each layer has its fate, and only new content is sent.
func TestLayersChange(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	proxy := testregistry.NewFaults(t, reg.Registry)
	app := newApp(t, map[string]string{"churn": churn(func(l churning) string { return l.first }), "seed": "1"}, nil)
	args := []string{proxy.Addr + "/app", "--builder", builder, "--path", app.dir, "--cache-image", proxy.Addr + "/cache", "--publish"}
	newMachine(t).build(args...)
	before := reg.cache(t, reg.ref("cache"))
	before.wantWhole(t)

	app.set(map[string]string{"churn": churn(func(l churning) string { return l.second }), "seed": "2"})
	proxy.Reset()
	result, out := newMachine(t).build(args...)
	after := reg.cache(t, reg.ref("cache"))
	after.wantWhole(t)
	config := after.manifest.Config.Digest.String()
	sent := []string{config}
	for _, layer := range churningLayers {
		t.Run(layer.name, func(t *testing.T) {
			layer.check(t, result, out, before, after)
		})
		if layer.fate.Save == "added" || layer.fate.Save == "updated" {
			sent = append(sent, after.blob("samples/churn", layer.name))
		}
	}
	slices.Sort(sent)
	if diff := cmp.Diff(sent, pushed(proxy, "cache")); diff != "" {
		t.Errorf("blobs that were sent (-want +got):\n%s", diff)
	}

	t.Run("nothing changes", func(t *testing.T) {
		wantNothingSent(t, proxy, args)
	})
}

// check holds one layer against its row.
func (l churning) check(t *testing.T, result *platform.Result, out outcome, before, after cacheImage) {
	t.Helper()
	out.wantStderr(t, "churn: "+l.name+": "+l.state+"\n")
	got := layerOf(t, result, "samples/churn:"+l.name)
	if diff := cmp.Diff(l.fate, fate{got.Restore, got.Save}); diff != "" {
		t.Errorf("fate (-want +got):\n%s\n%+v", diff, got)
	}
	md, ok := after.layer("samples/churn", l.name)
	if want := l.fate.Save != "removed"; ok != want {
		t.Errorf("the layer is in the cache: %t, want %t", ok, want)
	}
	if ok && (md.Launch != strings.Contains(l.second, "launch") || md.Build != strings.Contains(l.second, "build")) {
		t.Errorf("flags in the cache metadata: %+v", md)
	}
	old, _ := before.layer("samples/churn", l.name)
	switch l.fate.Save {
	case "reused":
		if md.SHA != old.SHA || before.blob("samples/churn", l.name) != after.blob("samples/churn", l.name) {
			t.Errorf("a reused layer was %s and is %s", old.SHA, md.SHA)
		}
		if got.Sent != 0 {
			t.Errorf("%d bytes were sent of a reused layer", got.Sent)
		}
	case "added", "updated":
		if md.SHA == old.SHA {
			t.Errorf("the layer did not change: %s", md.SHA)
		}
		if got.Sent == 0 || got.Size == 0 {
			t.Errorf("nothing was sent of a new layer: %+v", got)
		}
	}
}

// wantNothingSent builds once more with nothing changed: no blob and no
// manifest of the cache goes to the registry.
func wantNothingSent(t *testing.T, proxy *testregistry.Faults, args []string) {
	t.Helper()
	proxy.Reset()
	result, _ := newMachine(t).build(args...)
	for _, layer := range result.Layers {
		if diff := cmp.Diff(fate{"restored", "reused"}, fate{layer.Restore, layer.Save}); diff != "" {
			t.Errorf("%s (-want +got):\n%s\n%+v", layer.Layer, diff, layer)
		}
	}
	if n := proxy.Uploaded(); n != 0 {
		t.Errorf("%d bytes of blobs were uploaded: %v", n, proxy.Requests("", "/blobs/uploads/"))
	}
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodPut} {
		if requests := proxy.Requests(method, "^/v2/cache/"); len(requests) > 0 {
			t.Errorf("an unchanged cache was written to: %+v", requests)
		}
	}
}
