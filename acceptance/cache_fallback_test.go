package acceptance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestFallback builds a branch for which there are two caches: its own, which
// lacks a layer, and that of main. Layers of one build come from both, and only
// the branch's is written.
func TestFallback(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, map[string]string{"src/a": "a", "src/b": "b"})
	args := func(more ...string) []string {
		return append([]string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}, more...)
	}
	main, branch := reg.ref("cache:main"), reg.ref("cache:branch")
	_, out := newMachine(t).build(args("--export-cache", main)...)
	out.wantStderr(t, "make: rebuilt 2 of 2")

	away := filepath.Join(t.TempDir(), "src")
	rename(t, filepath.Join(app.dir, "src"), away)
	newMachine(t).build(args("--cache-to", "type=registry,ref="+branch)...)
	if _, ok := reg.cache(t, branch).layer("samples/make", "objects"); ok {
		t.Fatal("the branch's cache has what its build did not make")
	}
	rename(t, away, filepath.Join(app.dir, "src"))

	before := reg.digest(t, main)
	result, out := newMachine(t).build(args(
		"--import-cache", "type=registry,ref="+branch, "--cache-from", main, "--cache-from", reg.ref("cache:never"),
		"--export-cache", branch)...)
	out.wantStderr(t,
		"Cache "+branch+"@sha256:", "Cache "+main+"@sha256:", "Cache "+reg.ref("cache:never")+": nothing is kept there yet",
		"make: rebuilt 0 of 2", "flags: only-cache: restored")
	from := map[string]string{}
	for _, layer := range result.Layers {
		from[layer.Layer] = layer.From
	}
	want := map[string]string{"samples/make:objects": main, "buildpacksio/lifecycle:cache.sbom": branch}
	for _, name := range []string{"only-cache", "launch-cache", "build-cache", "launch-build-cache"} {
		want["samples/flags:"+name] = branch
	}
	if diff := cmp.Diff(want, from); diff != "" {
		t.Errorf("where layers come from (-want +got):\n%s", diff)
	}
	if got := layerOf(t, result, "samples/make:objects"); got.Save != "added" || got.Sent != 0 {
		t.Errorf("the layer from main's cache was not taken over within the registry: %+v", got)
	}
	if after := reg.digest(t, main); after != before {
		t.Errorf("main's cache was %s and is %s", before, after)
	}
	reg.cache(t, branch).wantWhole(t)

	// For people, the summary says so, too.
	text := newMachine(t).run(append([]string{"build"}, args("--cache-from", reg.ref("cache:never"), "--cache-from", main)...)...)
	text.wantCode(t, 0)
	text.wantStderr(t, "[1] from "+main)
}

// TestFallbackFromDamage finds content lost in the first cache, and takes it from
// the second one.
func TestFallbackFromDamage(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	m := newMachine(t)
	first, second := filepath.Join(m.home, "first"), filepath.Join(m.home, "second")
	args := func(more ...string) []string {
		return append([]string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}, more...)
	}
	m.build(args("--export-cache", "type=local,dest="+first, "--export-cache", "type=local,dest="+second)...)
	img, _ := localImage(t, first, "latest")
	cache := cacheOf(t, img)
	for name, damage := range map[string]func(path string) error{
		"only-cache":  os.Remove,
		"build-cache": func(path string) error { return os.Truncate(path, 10) },
		"launch-cache": func(path string) error {
			content, err := os.ReadFile(path)
			if err == nil {
				content[len(content)/2] ^= 1
				err = os.WriteFile(path, content, 0o644)
			}
			return err
		},
	} {
		hex := strings.TrimPrefix(cache.blob("samples/flags", name), "sha256:")
		if err := damage(filepath.Join(first, "blobs", "sha256", hex)); err != nil {
			t.Fatal(err)
		}
	}
	result, out := newMachine(t).build(args("--import-cache", "type=local,src="+first, "--import-cache", "type=local,src="+second,
		"--export-cache", "type=local,dest="+first, "--cache-required")...)
	for _, name := range []string{"only-cache", "build-cache", "launch-cache"} {
		if got := layerOf(t, result, "samples/flags:"+name); got.Restore != "restored" || got.From != second+":latest" {
			t.Errorf("%+v", got)
		}
		out.wantStderr(t, "flags: "+name+": restored")
	}
	if got := layerOf(t, result, "samples/flags:launch-build-cache"); got.From != first+":latest" {
		t.Errorf("%+v", got)
	}
	_, out = newMachine(t).build(args("--import-cache", "type=local,src="+first, "--cache-required")...)
	out.wantStderr(t, "flags: only-cache: restored", "flags: build-cache: restored", "flags: launch-cache: restored")
}

// TestReadOnlyImport imports what the user may only read.
func TestReadOnlyImport(t *testing.T) {
	t.Parallel()
	carol := testregistry.User{Name: "carol", Password: "carols-secret", May: map[string][]string{
		"app": {"pull", "push"}, "own": {"pull", "push"}, "*": {"pull"},
	}}
	reg := newRegistry(t, testregistry.Options{Auth: testregistry.Token, Users: []testregistry.User{alice, carol}})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	args := func(more ...string) []string {
		return append([]string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}, more...)
	}
	writer := newMachine(t)
	writer.logIn(alice, reg.Addr)
	writer.build(args("--export-cache", reg.ref("cache"), "--cache-required")...)

	t.Run("registry", func(t *testing.T) {
		reader := newMachine(t)
		reader.logIn(carol, reg.Addr)
		_, out := reader.build(args("--import-cache", reg.ref("cache"), "--export-cache", reg.ref("own"), "--cache-required")...)
		out.wantStderr(t, "flags: only-cache: restored")
		reg.cache(t, reg.ref("own")).wantWhole(t)
	})
	t.Run("directory", func(t *testing.T) {
		writer.build(args("--export-cache", "type=local,dest=kept", "--cache-required")...)
		dir := filepath.Join(writer.home, "kept")
		for path := range files(t, dir) {
			info, err := os.Stat(path)
			if err == nil {
				err = os.Chmod(path, info.Mode().Perm()&^0o222)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Cleanup(func() {
			for path := range files(t, dir) {
				os.Chmod(path, 0o755)
			}
		})
		before := files(t, dir)
		reader := newMachine(t).ordinary()
		reader.logIn(alice, reg.Addr)
		_, out := reader.build(args("--import-cache", "type=local,src="+dir, "--cache-required")...)
		out.wantStderr(t, "flags: only-cache: restored")
		if diff := cmp.Diff(before, files(t, dir)); diff != "" {
			t.Errorf("what was only read has changed:\n%s", diff)
		}
	})
}

// TestImportTrouble goes on to the next import when one cannot be read.
func TestImportTrouble(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}
	newMachine(t).build(append(args, "--export-cache", reg.ref("cache"))...)
	reg.pushArtifact(t, reg.ref("chart"))
	closed := closedPort(t)
	for _, test := range []struct{ name, value, says string }{
		{"unreachable", closed + "/cache", "cache " + closed + "/cache:latest is not used: "},
		{"no cache", reg.ref("chart"), "cache " + reg.ref("chart") + ":latest is not used: "},
		{"too slow", "type=registry,timeout=1ns,ref=" + reg.ref("cache"), "is not used: its timeout of 1ns is over"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			more := []string{"--import-cache", test.value, "--import-cache", reg.ref("cache")}
			result, out := newMachine(t).build(append(args, more...)...)
			out.wantStderr(t, test.says, "flags: only-cache: restored")
			if len(result.Imports) != 2 || result.Imports[0].Digest != "" || result.Imports[1].Digest == "" {
				t.Errorf("imports %+v", result.Imports)
			}
			newMachine(t).run(append(append([]string{"build", "--cache-required"}, args...), more...)...).wantCode(t, 1)
		})
	}
}
