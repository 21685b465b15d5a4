package acceptance

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/test/testran"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

// everyRegistry runs a test on the registry of every project, and says so in
// docs/compatibility.md.
func everyRegistry(t *testing.T, done string, test func(*testing.T, *registry)) {
	run := func(name string, version func() string, start func(*testing.T) *registry) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testran.Against(t, testran.Row{Subject: "Registries", Peer: name, Version: version(), Done: done})
			test(t, start(t))
		})
	}
	for _, other := range testservers.Registries() {
		run(other.Name, func() string { return testran.Module(t, other.Name, other.Module) }, func(t *testing.T) *registry {
			return &registry{&testregistry.Registry{Addr: other.New(t)}, authn.NewMultiKeychain()}
		})
	}
	run("docker-registry", func() string {
		program, err := testregistry.Binary(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return testran.Program(t, program, "--version")
	}, func(t *testing.T) *registry { return newRegistry(t, testregistry.Options{Delete: true}) })
}

// TestEveryRegistry builds with builder, app image and cache in the registry of
// every project: on machines that have never built before, cold, warm and when
// something has changed.
func TestEveryRegistry(t *testing.T) {
	t.Parallel()
	everyRegistry(t, "builds, cold, warm and changed: app image published; cache as an image of either family and in the app image; `cache list`, `verify`, `copy` and `prune`", func(t *testing.T, reg *registry) {
		builder := reg.tiny(t, nil)
		for _, test := range []struct{ name, imports, exports string }{
			{"oci", "type=registry,ref=" + reg.ref("cache"), "type=registry,ref=" + reg.ref("cache")},
			{"docker", "type=registry,ref=" + reg.ref("docker/cache"), "type=registry,oci-mediatypes=false,compression=gzip,ref=" + reg.ref("docker/cache")},
			{"inline", "type=registry,ref=" + reg.ref("inline"), "type=inline,mode=max"},
		} {
			app := newApp(t, map[string]string{"churn": "changed cache change\n", "seed": "1"}, nil)
			args := []string{reg.ref(test.name), "--builder", builder, "--path", app.dir, "--publish", "--cache-required",
				"--export-cache", test.exports}
			cold, _ := newMachine(t).build(args...)
			wantWholeImage(t, reg.image(t, cold.Image))
			args = append(args, "--import-cache", test.imports)

			warm, out := newMachine(t).build(args...)
			out.wantStderr(t, "flags: only-cache: restored", "flags: build-cache: restored", "flags: launch-cache: restored", "changed: restored")
			if warm.Digest != cold.Digest || warm.Saved[0].Changed || warm.Saved[0].Sent != 0 {
				t.Errorf("%s: a build in which nothing changed made %s of %s and saved %+v", test.name, warm.Digest, cold.Digest, warm.Saved[0])
			}

			app.set(map[string]string{"seed": "2"})
			app.write("hello.txt", "changed\n")
			changed, _ := newMachine(t).build(args...)
			if changed.Digest == cold.Digest || !changed.Saved[0].Changed {
				t.Errorf("%s: a build in which something changed made %s and saved %+v", test.name, changed.Digest, changed.Saved[0])
			}
			if got := layerOf(t, changed, "samples/flags:only-cache"); got.Save != "reused" || got.Sent != 0 {
				t.Errorf("%s: %+v", test.name, got)
			}
			wantWholeImage(t, reg.image(t, changed.Image))
		}
		reg.cache(t, reg.ref("cache")).wantWhole(t)
		reg.wantCacheCommands(t)
	})
}

// wantCacheCommands has the commands for caches work on the cache of a build.
func (r *registry) wantCacheCommands(t *testing.T) {
	t.Helper()
	m := newMachine(t)
	m.run("cache", "verify", r.ref("cache")).wantCode(t, 0)
	m.run("cache", "copy", r.ref("cache"), r.ref("other/cache:copy")).wantCode(t, 0)
	m.run("cache", "verify", r.ref("other/cache:copy")).wantCode(t, 0)
	m.run("cache", "prune", r.ref("other/cache"), "--keep", "0").wantCode(t, 0)
	if left := listing(t, m.run("cache", "list", r.ref("other/cache"), "--output", "json")); len(left) != 0 {
		t.Errorf("pruning has left %v", left)
	}
}
