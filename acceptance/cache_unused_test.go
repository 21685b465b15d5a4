package acceptance

import (
	"cmp"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/layers"
)

// unusedCache is a cache reference with which a build can do nothing.
type unusedCache struct {
	name string
	ref  string
	env  []string
	// reason is why it is not used, hint the way out.
	reason, hint string
	// code is the exit code when the cache is required; 0 does not try.
	code int
}

// check builds with the cache: the build succeeds without it and says so, and
// what is there stays. With --cache-required it fails before the buildpacks run.
func (c unusedCache) check(t *testing.T, reg *registry, builder string, app *app) {
	t.Helper()
	before := reg.digest(t, c.ref)
	args := []string{"--builder", builder, "--path", app.dir, "--cache-image", c.ref, "--publish"}
	machine := newMachine(t, c.env...)

	result, out := machine.build(append([]string{reg.fresh("app")}, args...)...)
	out.wantStderr(t, "Warning: cache "+result.Imports[0].From+" is not used: ", "flags: only-cache: new",
		"Warning: cache "+result.Saved[0].To+" was not saved: ", c.hint)
	if at := result.Imports[0]; at.Digest != "" || at.Missing || !strings.Contains(at.Reason, c.reason) {
		t.Errorf("the import is said to be %+v, want the reason %q", at, c.reason)
	}
	for id, fate := range fates(result) {
		if fate.Restore != "missed" {
			t.Errorf("layer %s is %s", id, fate.Restore)
		}
	}
	for _, layer := range result.Layers {
		if !strings.Contains(layer.RestoreReason, "could not be read") {
			t.Errorf("layer %s is missed, because %q", layer.Layer, layer.RestoreReason)
		}
	}
	if saved := result.Saved[0]; saved.Failed == "" || saved.Changed {
		t.Errorf("the cache is said to be saved: %+v", saved)
	}
	if after := reg.digest(t, c.ref); after != before {
		t.Errorf("what was there has been replaced: %s by %s", before, after)
	}
	out.wantNoSecret(t)
	machine.wantNothingLeft()

	if c.code == 0 {
		return
	}
	unpublished := reg.fresh("unpublished")
	required := machine.run(append([]string{"build", "--cache-required", unpublished}, args...)...)
	required.wantCode(t, c.code)
	required.wantStderr(t, "ERROR: ", "could not be read", c.reason, "HINT: ", c.hint, "leave out --cache-required")
	required.wantNoStderr(t, "BUILDING")
	required.wantNoSecret(t)
	if reg.digest(t, unpublished) != "" {
		t.Error("the app image was published, although the required cache could not be read")
	}
	machine.wantNothingLeft()
}

// TestCacheUnreachable keeps the cache in a registry that cannot be used.
func TestCacheUnreachable(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	wantsPassword := newRegistry(t, testregistry.Options{Auth: testregistry.Basic, Users: []testregistry.User{{Name: "bob", Password: "right-secret"}}})
	forbids := newRegistry(t, testregistry.Options{Auth: testregistry.Token, Users: []testregistry.User{
		{Name: "bob", Password: "bob-secret", May: map[string][]string{"*": {}}},
	}})
	ill := testregistry.NewFaults(t, reg.Registry, testregistry.Rule{Status: 503})
	closed := closedPort(t)
	for _, test := range []unusedCache{
		{name: "nobody listens", ref: closed + "/cache", reason: "connection refused", hint: "check that registry " + closed + " can be reached", code: 1},
		{name: "no such host", ref: "registry.invalid/cache", reason: "registry.invalid", hint: "check that registry registry.invalid can be reached"},
		{name: "no password", ref: wantsPassword.ref("cache"), reason: "401 Unauthorized", hint: "docker login " + wantsPassword.Addr, code: 4},
		{name: "wrong password", ref: wantsPassword.ref("cache"), env: []string{registryAuth(t, wantsPassword.Addr, "bob", "wrong-secret")},
			reason: "401 Unauthorized", hint: "check that the account that is logged in to " + wantsPassword.Addr},
		{name: "forbidden", ref: forbids.ref("cache"), env: []string{registryAuth(t, forbids.Addr, "bob", "bob-secret")},
			reason: "401 Unauthorized", hint: "check that the account that is logged in to " + forbids.Addr, code: 4},
		{name: "wrong password for a token", ref: forbids.ref("cache"), env: []string{registryAuth(t, forbids.Addr, "bob", "wrong-secret")},
			reason: "401 Unauthorized", hint: "check that the account that is logged in to " + forbids.Addr},
		{name: "out of order", ref: ill.Addr + "/cache", reason: "503 Service Unavailable", hint: "503"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.check(t, reg, builder, app)
		})
	}
}

// TestCacheForeign names something as the cache that is not a cache.
func TestCacheForeign(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	newMachine(t).build(reg.ref("other-app"), "--builder", builder, "--path", app.dir, "--cache-image", reg.ref("good"), "--publish")
	labelled := func(name string, change func(label string) string) string {
		return reg.change(t, reg.ref("good"), reg.ref(name), func(c *v1.ConfigFile) {
			label := change(c.Config.Labels[layers.MetadataLabel])
			c.Config.Labels[layers.MetadataLabel] = label
		})
	}
	reg.pushArtifact(t, reg.ref("chart"))
	reg.pushIndex(t, reg.ref("index"), mutate.IndexAddendum{Add: reg.image(t, reg.ref("good"))})

	const hint = "choose another reference for the cache, or replace what is there with --clear-cache"
	for _, test := range []unusedCache{
		{name: "an app image", ref: reg.ref("other-app"), reason: "not a cache: an app image without an inline cache", code: 1,
			hint: "choose another reference for the cache, or publish the app image with --export-cache type=inline"},
		{name: "an index", ref: reg.ref("index"), reason: "not a cache: an image index"},
		{name: "a chart", ref: reg.ref("chart"), reason: `not a cache: an artifact with a config of media type "application/vnd.cncf.helm`},
		{name: "a hostile layer name", ref: labelled("hostile-layer", func(label string) string {
			return strings.Replace(label, `"only-cache"`, `"../../x"`, 1)
		}), reason: `layer name "../../x"`},
		{name: "a hostile buildpack", ref: labelled("hostile-buildpack", func(label string) string {
			return strings.Replace(label, `"samples/flags"`, `".."`, 1)
		}), reason: `buildpack ID ".."`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.hint = cmp.Or(test.hint, hint)
			test.check(t, reg, builder, app)
		})
	}
}

// TestCacheForeignReplaced has pack-cache replace what is no cache.
func TestCacheForeignReplaced(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	args := []string{"--builder", builder, "--path", app.dir, "--cache-image", reg.ref("chart"), "--publish"}
	for _, target := range []func(string){func(ref string) { reg.pushArtifact(t, ref) }, func(ref string) {
		reg.pushIndex(t, ref, mutate.IndexAddendum{Add: reg.image(t, builder)})
	}} {
		target(reg.ref("chart"))
		result, out := newMachine(t).build(append([]string{reg.ref("app"), "--clear-cache"}, args...)...)
		out.wantNoStderr(t, "Warning")
		if saved := result.Saved[0]; saved.Failed != "" || !saved.Changed || saved.Digest != reg.digest(t, reg.ref("chart")) {
			t.Errorf("with --clear-cache: %+v", saved)
		}
	}
	_, out := newMachine(t).build(append([]string{reg.ref("app")}, args...)...)
	out.wantStderr(t, "flags: only-cache: restored")
}
