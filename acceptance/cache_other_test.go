package acceptance

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/samples"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestClearCache restores nothing from the cache and takes nothing over, neither
// from buildpacks that took no part in the build nor bytes that are there. As with
// pack, store.toml comes back, and the app image keeps the layers that come out
// the same.
func TestClearCache(t *testing.T) {
	t.Parallel()
	d := newDamaged(t)
	sources := newApp(t, map[string]string{"count": ""}, map[string]string{"src/main.c": "int main;\n"})
	args := func(app *app) []string {
		return []string{d.reg.ref("app"), "--builder", d.builder, "--path", app.dir, "--cache-image", d.reg.ref("cache"), "--publish"}
	}
	newMachine(t).build(args(sources)...)
	if _, ok := d.reg.cache(t, d.reg.ref("cache")).layer("samples/make", "objects"); !ok {
		t.Fatal("the cache has nothing to clear")
	}
	d.flip(t, "only-cache")

	result, out := newMachine(t).build(append(args(d.app), "--clear-cache")...)
	out.wantStderr(t, "flags: only-cache: new", "flags: launch-cache: new", "flags: build-cache: new", "flags: launch-build-cache: new")
	out.wantStderr(t, "flags: builds before this one: 1", "Reusing layer 'samples/flags:launch-cache'")
	out.wantNoStderr(t, "Warning", ": restored", "Restoring data for SBOM")
	if diff := cmp.Diff(flagged("missed", "added"), fates(result)); diff != "" {
		t.Errorf("layers (-want +got):\n%s", diff)
	}
	for _, layer := range result.Layers {
		if layer.RestoreReason != "--clear-cache was given" {
			t.Errorf("layer %s is missed, because %q", layer.Layer, layer.RestoreReason)
		}
	}
	cache := d.reg.cache(t, d.reg.ref("cache"))
	cache.wantWhole(t)
	for _, bp := range cache.metadata.Buildpacks {
		if bp.ID != "samples/flags" {
			t.Errorf("the cache still has layers of %s", bp.ID)
		}
	}

	result, out = newMachine(t).build(append(args(d.app), "--cache-required")...)
	d.wantLost(t, result, out, nil)
}

// TestCacheForOtherTarget builds with a builder of another distribution: layers
// of the two are never mixed.
func TestCacheForOtherTarget(t *testing.T) {
	t.Parallel()
	reg, other := newRegistry(t, testregistry.Options{}), newRegistry(t, testregistry.Options{})
	one := reg.tiny(t, nil)
	two := other.tiny(t, func(o *samples.Options) { o.Target.DistroVersion = "2" })
	sources := newApp(t, nil, map[string]string{"src/main.c": "int main;\n"})
	app := newApp(t, nil, nil)
	args := func(builder, dir string) []string {
		return []string{reg.ref("app"), "--builder", builder, "--path", dir, "--cache-image", reg.ref("cache"), "--publish", "--cache-required"}
	}
	newMachine(t).build(args(one, sources.dir)...)

	const reason = "made for distribution version 1, this build is for 2"
	result, out := newMachine(t).build(args(two, app.dir)...)
	out.wantStderr(t, reason, "flags: only-cache: new", "flags: build-cache: new")
	out.wantNoStderr(t, "Warning", ": restored")
	if at := result.Imports[0]; at.Digest != "" || !at.Missing {
		t.Errorf("the import is said to be %+v", at)
	}
	for _, layer := range result.Layers {
		if layer.Restore != "missed" || layer.Save != "added" || layer.RestoreReason != result.Imports[0].Reason {
			t.Errorf("a layer was mixed: %+v", layer)
		}
	}
	cache := reg.cache(t, reg.ref("cache"))
	cache.wantWhole(t)
	if _, ok := cache.layer("samples/make", "objects"); ok {
		t.Error("a layer of the other distribution was kept")
	}

	_, out = newMachine(t).build(args(two, app.dir)...)
	out.wantStderr(t, "flags: only-cache: restored")
}
