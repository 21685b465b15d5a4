package acceptance

import (
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testdocker"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testwait"
)

// ownDaemons runs a test with a daemon of each kind that nobody else uses.
func ownDaemons(t *testing.T, test func(*testing.T, ground)) {
	for name, options := range map[string]testdocker.Options{"docker": {}, "podman": {Podman: true}} {
		t.Run(name, func(t *testing.T) { test(t, ground{name, testdocker.New(t, options)}) })
	}
}

// cached is a build that publishes to a host and keeps its cache there.
func cached(host string, app *app) []string {
	return []string{host + "/app", "--builder", host + "/samples/tiny-builder", "--path", app.dir, "--cache-image", host + "/cache", "--publish"}
}

// TestInterruptOnDaemons interrupts builds at every phase. Nothing is left in
// the daemon.
func TestInterruptOnDaemons(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	reg.tiny(t, nil)
	newMachine(t).build(cached(reg.Addr, newApp(t, nil, nil))...)
	before := reg.manifests(t)
	ownDaemons(t, func(t *testing.T, on ground) {
		for _, at := range interruptions {
			t.Run(at.name, func(t *testing.T) {
				machine := on.machine(t)
				out := at.interrupt(t, machine, reg, cached, syscall.SIGINT)
				out.wantCode(t, 130)
				machine.wantNothingLeft()
				if left := on.left(t); len(left) > 0 {
					t.Errorf("%v is left", left)
				}
				if diff := cmp.Diff(before, reg.manifests(t)); diff != "" {
					t.Errorf("the registry has changed (-before +after):\n%s", diff)
				}
			})
		}
	})
}

// asleep starts a build and returns when a buildpack sleeps, with the number of
// seconds by which its processes are known.
func (m *machine) asleep(reg *registry) (build *running, seconds string) {
	m.t.Helper()
	seconds = strconv.FormatInt(naps.Add(1), 10)
	app := newApp(m.t, map[string]string{"build-sleep": seconds, "build-background": seconds}, nil)
	build = m.start(append([]string{"build"}, cached(reg.Addr, app)...)...)
	build.await("the buildpack slept", func() bool { return len(sleepers(m.t, seconds)) == 2 })
	return build, seconds
}

// TestKilledOnDaemons kills pack-cache in the middle of a build. Nobody is left
// to tidy up, but the containers end by themselves.
func TestKilledOnDaemons(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	reg.tiny(t, nil)
	ownDaemons(t, func(t *testing.T, on ground) {
		build, seconds := on.machine(t).asleep(reg)
		build.interrupt(syscall.SIGKILL)
		build.wait()
		testwait.Eventually(t, "something of the build is left in the daemon", func() bool {
			containers := strings.Contains(strings.Join(on.left(t), " "), "/")
			return !containers && len(sleepers(t, seconds)) == 0
		})
	})
}

// TestDaemonRestarts restarts the daemon in the middle of a build, which fails.
// Nothing is left of it, and the next one works.
func TestDaemonRestarts(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	reg.tiny(t, nil)
	on := ground{"docker", testdocker.New(t, testdocker.Options{})}
	machine := on.machine(t)
	build, seconds := machine.asleep(reg)
	if err := on.daemon.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out := build.wait(); out.code == 0 {
		t.Errorf("the build went well:\n%s", out.stderr)
	} else {
		t.Log(out.stderr)
	}
	if left := on.left(t); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	if pids := sleepers(t, seconds); len(pids) > 0 {
		t.Errorf("processes of the buildpack are still there: %v", pids)
	}
	machine.build(cached(reg.Addr, newApp(t, nil, nil))...)
}
