package acceptance

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestTimesSurvive has the buildpack samples/make, which trusts modification
// times as make and cargo do, find nothing to compile on a machine that has
// never built before.
func TestTimesSurvive(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, map[string]string{"src/a": "a", "src/b": "b", "src/c": "c"})
	args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--cache-image", reg.ref("cache"), "--publish"}

	_, out := newMachine(t).build(args...)
	out.wantStderr(t, "make: objects: new", "make: rebuilt 3 of 3, linked yes")
	_, out = newMachine(t).build(args...)
	out.wantStderr(t, "make: objects: restored", "make: rebuilt 0 of 3, linked no")
	app.write("src/b", "changed")
	result, out := newMachine(t).build(args...)
	out.wantStderr(t, "make: objects: restored", "make: rebuilt 1 of 3, linked yes")
	if got := layerOf(t, result, "samples/make:objects"); got.Save != "updated" {
		t.Errorf("a layer with a new object was %s", got.Save)
	}
}

// TestBuildpackLeavesAndReturns lets an optional buildpack miss one build. Its
// layer stays in the cache and is warm when it comes back.
func TestBuildpackLeavesAndReturns(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	proxy := testregistry.NewFaults(t, reg.Registry)
	app := newApp(t, nil, map[string]string{"src/a": "a", "src/b": "b"})
	args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--cache-image", proxy.Addr + "/cache", "--publish"}
	newMachine(t).build(args...)
	before := reg.cache(t, reg.ref("cache"))

	// Renamed, so that the times of the files stay.
	away := filepath.Join(t.TempDir(), "src")
	rename(t, filepath.Join(app.dir, "src"), away)
	proxy.Reset()
	result, out := newMachine(t).build(args...)
	out.wantNoStderr(t, "make: ")
	got := layerOf(t, result, "samples/make:objects")
	if diff := cmp.Diff(fate{"", "kept"}, fate{got.Restore, got.Save}); diff != "" {
		t.Errorf("without its buildpack (-want +got):\n%s", diff)
	}
	after := reg.cache(t, reg.ref("cache"))
	after.wantWhole(t)
	if before.blob("samples/make", "objects") != after.blob("samples/make", "objects") {
		t.Errorf("the blob was %s and is %s", before.blob("samples/make", "objects"), after.blob("samples/make", "objects"))
	}
	if n := proxy.Uploaded(); n != 0 {
		t.Errorf("%d bytes were uploaded", n)
	}

	rename(t, away, filepath.Join(app.dir, "src"))
	result, out = newMachine(t).build(args...)
	out.wantStderr(t, "make: objects: restored", "make: rebuilt 0 of 2, linked no")
	got = layerOf(t, result, "samples/make:objects")
	if diff := cmp.Diff(fate{"restored", "reused"}, fate{got.Restore, got.Save}); diff != "" {
		t.Errorf("when it is back (-want +got):\n%s", diff)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
