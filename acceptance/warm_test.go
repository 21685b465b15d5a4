package acceptance

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/platform"
)

// TestTinyColdAndWarm builds every combination of launch, build and cache
// flags twice; the second machine has never built before.
func TestTinyColdAndWarm(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--cache-image", reg.ref("cache"), "--publish"}

	cold, out := newMachine(t).build(args...)
	out.wantStderr(t, "nothing is kept there yet", "flags: launch-cache: new")
	if diff := cmp.Diff(flagged("missed", "added"), fates(cold)); diff != "" {
		t.Errorf("cold build (-want +got):\n%s", diff)
	}
	warm, out := newMachine(t).build(args...)
	out.wantStderr(t,
		"flags: only-cache: restored", "flags: launch-cache: restored",
		"flags: build-cache: restored", "flags: launch-build-cache: restored",
		"flags: only-launch: known", "flags: none: new", "flags: only-build: new")
	if diff := cmp.Diff(flagged("restored", "reused"), fates(warm)); diff != "" {
		t.Errorf("warm build (-want +got):\n%s", diff)
	}
	out.wantNoStderr(t, "Warning")
	if cold.Image != warm.Image {
		t.Errorf("the same source gave %s and then %s", cold.Image, warm.Image)
	}
	if warm.Saved[0].Changed || warm.Saved[0].Digest != cold.Saved[0].Digest {
		t.Errorf("an unchanged cache was saved again: %+v", warm.Saved[0])
	}
}

// fate is what became of a layer at restore and save.
type fate struct{ Restore, Save string }

func fates(result *platform.Result) map[string]fate {
	all := map[string]fate{}
	for _, layer := range result.Layers {
		all[layer.Layer] = fate{layer.Restore, layer.Save}
	}
	return all
}

// flagged is the fate of each cached layer of the buildpack samples/flags.
func flagged(restore, save string) map[string]fate {
	all := map[string]fate{"buildpacksio/lifecycle:cache.sbom": {restore, save}}
	for _, name := range []string{"only-cache", "launch-cache", "build-cache", "launch-build-cache"} {
		all["samples/flags:"+name] = fate{restore, save}
	}
	return all
}
