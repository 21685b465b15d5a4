package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"regexp"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/testdocker"
	"github.com/pack-cache/pack-cache/internal/testregistry"
)

// daemons are those that tests share. Each starts when a test wants it.
var daemons = map[string]*sharedDaemon{
	"docker": {},
	"podman": {options: testdocker.Options{Podman: true}},
}

// sharedDaemon is a daemon that starts when it is wanted for the first time.
type sharedDaemon struct {
	options testdocker.Options
	once    sync.Once
	daemon  *testdocker.Daemon
	err     error
}

func (s *sharedDaemon) start() (*testdocker.Daemon, error) {
	s.once.Do(func() { s.daemon, s.err = testdocker.Start(context.Background(), s.options) })
	return s.daemon, s.err
}

// closeDaemons ends the shared daemons that were started.
func closeDaemons() {
	for _, shared := range daemons {
		if shared.daemon != nil {
			shared.daemon.Close()
		}
	}
}

// ground is what builds run on. The zero value is what pack-cache chooses.
type ground struct {
	name   string
	daemon *testdocker.Daemon
}

// grounds returns every kind that there is, first the one that others are
// compared with.
func grounds(t *testing.T) []ground {
	t.Helper()
	return append([]ground{{name: "sandbox"}}, daemonGrounds(t)...)
}

// daemonGrounds returns the kinds that need a daemon.
func daemonGrounds(t *testing.T) []ground {
	t.Helper()
	var all []ground
	for _, name := range []string{"docker", "podman"} {
		daemon, err := daemons[name].start()
		if err != nil && os.Getenv("CI") == "" {
			t.Skipf("cannot start %s: %v", name, err)
		}
		if err != nil {
			t.Fatalf("cannot start %s: %v", name, err)
		}
		all = append(all, ground{name, daemon})
	}
	return all
}

// machine returns a new machine whose builds run there.
func (g ground) machine(t *testing.T) *machine {
	t.Helper()
	m := newMachine(t)
	switch {
	case g.daemon != nil:
		m.env = append(m.env, "DOCKER_HOST="+g.daemon.Host)
		m.flags = []string{"--engine", "docker"}
	case g.name != "":
		m.flags = []string{"--engine", g.name}
	}
	return m
}

// kept are the images that stay in a daemon for the next build.
var kept = regexp.MustCompile(`^pack-cache\.local/(own|builder|run):`)

// left lists what builds have left in the daemon, but for images that serve the
// next one.
func (g ground) left(t *testing.T) []string {
	t.Helper()
	if g.daemon == nil {
		return nil
	}
	get := func(path string, answer any) {
		var body bytes.Buffer
		if err := g.daemon.Get(t.Context(), path, &body); err != nil {
			t.Fatalf("ask %s for %s: %v", g.name, path, err)
		}
		if err := json.Unmarshal(body.Bytes(), answer); err != nil {
			t.Fatal(err)
		}
	}
	var containers []struct{ Names []string }
	get("/v1.41/containers/json?all=1", &containers)
	var volumes struct{ Volumes []struct{ Name string } }
	get("/v1.41/volumes", &volumes)
	var images []struct{ RepoTags []string }
	get("/v1.41/images/json", &images)
	var all []string
	for _, c := range containers {
		all = append(all, c.Names...)
	}
	for _, v := range volumes.Volumes {
		all = append(all, v.Name)
	}
	for _, i := range images {
		for _, tag := range i.RepoTags {
			if !kept.MatchString(tag) {
				all = append(all, tag)
			}
		}
	}
	return all
}

// TestEngines builds the same on every ground, cold and on a machine that has
// never built before. All give the same image, and each takes over the cache of
// the one before it.
func TestEngines(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, map[string]string{"src/a": "a", "src/b": "b"})
	digest, cache := "", ""
	for _, on := range grounds(t) {
		t.Run(on.name, func(t *testing.T) {
			args := []string{reg.ref("app-" + on.name), "--builder", builder, "--path", app.dir, "--publish"}
			if cache != "" {
				foreign, out := on.machine(t).build(append(args, "--import-cache", "type=registry,ref="+cache)...)
				out.wantStderr(t, "flags: only-cache: restored", "make: rebuilt 0 of 2, linked no")
				if foreign.Digest != digest {
					t.Errorf("another engine's cache gave image %s instead of %s", foreign.Digest, digest)
				}
			}
			cache = reg.ref("cache-" + on.name)
			args = append(args, "--cache-image", cache)
			cold, out := on.machine(t).build(args...)
			out.wantStderr(t, "nothing is kept there yet", "make: rebuilt 2 of 2, linked yes")
			warm, out := on.machine(t).build(args...)
			out.wantStderr(t, "flags: launch-build-cache: restored", "make: rebuilt 0 of 2, linked no")
			for id, at := range fates(warm) {
				if diff := cmp.Diff(fate{"restored", "reused"}, at); diff != "" {
					t.Errorf("%s in the warm build (-want +got):\n%s", id, diff)
				}
			}
			if digest == "" {
				digest = cold.Digest
			}
			if cold.Digest != digest || warm.Digest != digest {
				t.Errorf("the images are %s and %s instead of %s", cold.Digest, warm.Digest, digest)
			}
			for _, phase := range warm.Phases {
				t.Logf("%s: %.2f s", phase.Name, phase.Seconds)
			}
			t.Logf("the whole: %.2f s", warm.Seconds)
		})
	}
}
