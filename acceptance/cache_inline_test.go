package acceptance

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
	"github.com/pack-cache/pack-cache/layers"
	layersregistry "github.com/pack-cache/pack-cache/layers/registry"
	"github.com/pack-cache/pack-cache/platform"
)

// TestInline keeps the cache in app images with a tag for each commit: on
// registries with lists of referrers, and on those without.
func TestInline(t *testing.T) {
	t.Parallel()
	t.Run("fallback", func(t *testing.T) {
		t.Parallel()
		testInline(t, newRegistry(t, testregistry.Options{Delete: true}))
	})
	t.Run("referrers", func(t *testing.T) {
		t.Parallel()
		testInline(t, &registry{&testregistry.Registry{Addr: testservers.NewOlareg(t)}, authn.NewMultiKeychain()})
	})
}

func testInline(t *testing.T, reg *registry) {
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"churn": "stays cache keep\nchanged cache change\n"}, map[string]string{"src/a": "a"})
	build := func(tag, from, mode string, more ...string) (*platform.Result, outcome) {
		args := []string{reg.ref("app:" + tag), "--builder", builder, "--path", app.dir, "--publish", "--cache-required",
			"--export-cache", "type=inline,mode=" + mode}
		if from != "" {
			args = append(args, "--import-cache", "type=registry,ref="+reg.ref("app:"+from))
		}
		return newMachine(t).build(append(args, more...)...)
	}
	first, _ := build("1", "", "max")
	if len(reg.beside(t, first.Digest)) != 1 {
		t.Fatalf("beside the app image there are %v", reg.beside(t, first.Digest))
	}
	if got := layerOf(t, first, "samples/flags:launch-cache"); got.Save != "added" || got.SaveReason != "in the app image" || got.Sent != 0 {
		t.Errorf("%+v", got)
	}
	if got := layerOf(t, first, "samples/flags:only-cache"); got.Save != "added" || got.Sent == 0 {
		t.Errorf("%+v", got)
	}

	// Nothing changed: another tag, the same image, nothing sent.
	second, out := build("2", "1", "max")
	out.wantStderr(t, "flags: only-cache: restored", "flags: build-cache: restored", "flags: launch-cache: restored",
		"flags: launch-build-cache: restored", "stays: restored", "make: rebuilt 0 of 1")
	if second.Digest != first.Digest || second.Saved[0].Changed || second.Saved[0].Sent != 0 {
		t.Errorf("an unchanged build made %s of %s, and saved %+v", second.Digest, first.Digest, second.Saved[0])
	}
	if got := layerOf(t, second, "samples/flags:launch-cache"); got.Save != "reused" || got.From != reg.ref("app:1") {
		t.Errorf("%+v", got)
	}

	// A cache-only layer changed: the same image, and another cache beside it.
	third, _ := build("3", "2", "max", "--env", "BP_SEED=2")
	if third.Digest != first.Digest {
		t.Errorf("a cache-only layer changed the app image")
	}
	if all := reg.beside(t, third.Digest); len(all) != 1 || layers.Generation(all[0]) != 2 {
		t.Errorf("beside the app image there are %v", all)
	}
	if got := layerOf(t, third, "samples/churn:changed"); got.Save != "updated" || got.Sent == 0 {
		t.Errorf("%+v", got)
	}
	if got := layerOf(t, third, "samples/churn:stays"); got.Save != "reused" || got.Sent != 0 {
		t.Errorf("%+v", got)
	}

	looked := newMachine(t).run("cache", "inspect", reg.ref("app:3"))
	looked.wantCode(t, 0)
	for _, layer := range []string{"samples/flags:launch-cache", "samples/flags:only-cache", "samples/churn:changed"} {
		if !strings.Contains(looked.stdout, layer) {
			t.Errorf("cache inspect does not show %s:\n%s", layer, looked.stdout)
		}
	}

	// The source changed: another image, which takes over what it can.
	app.write("hello.txt", "goodbye\n")
	fourth, _ := build("4", "3", "max", "--env", "BP_SEED=2")
	if fourth.Digest == first.Digest || len(reg.beside(t, fourth.Digest)) != 1 || len(reg.beside(t, first.Digest)) != 1 {
		t.Errorf("the image is %s", fourth.Digest)
	}
	if got := layerOf(t, fourth, "samples/flags:only-cache"); got.Save != "reused" || got.Sent != 0 {
		t.Errorf("%+v", got)
	}

	// min: only what is in the image anyway.
	fifth, _ := build("5", "4", "min")
	if fifth.Digest != fourth.Digest {
		t.Errorf("mode=min made another image, %s instead of %s", fifth.Digest, fourth.Digest)
	}
	app.write("hello.txt", "again\n")
	sixth, _ := build("6", "5", "min")
	if len(reg.beside(t, sixth.Digest)) != 0 {
		t.Error("mode=min left something beside the app image")
	}
	seventh, out := build("7", "6", "min")
	out.wantStderr(t, "flags: only-cache: new", "flags: launch-cache: restored", "make: rebuilt 1 of 1")
	if got := layerOf(t, seventh, "samples/flags:launch-cache"); got.Restore != "restored" || got.Save != "reused" {
		t.Errorf("%+v", got)
	}

	// A cache may not replace the app image.
	bad := newMachine(t).run("build", reg.ref("other"), "--builder", builder, "--path", app.dir, "--publish", "--cache-required",
		"--export-cache", reg.ref("app:7"))
	bad.wantCode(t, 3)
	bad.wantStderr(t, "it was not replaced", "an app image")

	// The stock lifecycle builds on.
	stock := reg.creator(t, builder, app, seventh.Builder.PlatformAPI, "-previous-image", reg.ref("app:7"), reg.ref("app:8"))
	wantLines(t, stock, "Reusing layer 'samples/flags:only-launch'")
	_, out = build("9", "8", "min", "--cache-required=false")
	out.wantStderr(t, "an app image without an inline cache")
}

// beside lists the snapshots that refer to an app image.
func (r *registry) beside(t *testing.T, digest string) []v1.Descriptor {
	t.Helper()
	store := layersregistry.New(layersregistry.Config{Ref: r.parse(t, r.ref("app")), Keychain: r.keychain})
	subject, err := v1.NewHash(digest)
	if err != nil {
		t.Fatal(err)
	}
	all, err := store.Referrers(t.Context(), subject, layers.ArtifactType)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestInlineRights keeps an inline cache with the right to push the app image and
// no other: what is replaced stays where it cannot be deleted, and nobody is led
// to it.
func TestInlineRights(t *testing.T) {
	t.Parallel()
	carol := testregistry.User{Name: "carol", Password: "carols-secret", May: map[string][]string{
		"app": {"pull", "push"}, "*": {"pull"},
	}}
	reg := newRegistry(t, testregistry.Options{Auth: testregistry.Token, Users: []testregistry.User{alice, carol}})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"churn": "changed cache change\n"}, nil)
	var result *platform.Result
	for generation, seed := range []string{"1", "2"} {
		m := newMachine(t)
		m.logIn(carol, reg.Addr)
		result, _ = m.build(reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish", "--cache-required",
			"--export-cache", "type=inline,mode=max,compression=estargz", "--env", "BP_SEED="+seed)
		if all := reg.beside(t, result.Digest); len(all) != 1 || layers.Generation(all[0]) != generation+1 {
			t.Errorf("beside the app image there are %v", all)
		}
	}
	// An import of it needs nothing else.
	reader := newMachine(t)
	reader.logIn(carol, reg.Addr)
	_, out := reader.build(reg.ref("app:again"), "--builder", builder, "--path", app.dir, "--publish", "--cache-required",
		"--import-cache", "type=registry,ref="+reg.ref("app"), "--env", "BP_SEED=2")
	out.wantStderr(t, "flags: only-cache: restored", "flags: launch-cache: restored")
}

// TestInlineInPart cannot find out what is kept beside an app image: the layers of
// the image itself are used.
func TestInlineInPart(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}
	newMachine(t).build(append(args, "--export-cache", "type=inline,mode=max", "--cache-required")...)
	faulty := testregistry.NewFaults(t, reg.Registry, testregistry.Rule{
		Path: regexp.MustCompile(`^/v2/app/manifests/sha256-`), Status: 200, Body: "[]",
	})
	args = append(args, "--import-cache", faulty.Addr+"/app")
	args[0] = reg.ref("other")
	_, out := newMachine(t).build(args...)
	out.wantStderr(t, "flags: launch-cache: restored", "flags: only-cache: new",
		"Warning: cache "+faulty.Addr+"/app:latest is used in part: what is kept beside the app image: ")
	required := newMachine(t).run(append([]string{"build", "--cache-required"}, args...)...)
	required.wantCode(t, 1)
	required.wantStderr(t, "ERROR: the cache "+faulty.Addr+"/app:latest could not be read: what is kept beside the app image")
}
