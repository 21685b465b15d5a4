package acceptance

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testfaults"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testwait"
)

// interruption is a moment in which a build is interrupted.
type interruption struct {
	name string
	// sleeps is the setting that makes a buildpack sleep, or else stuck is what
	// the registry does not answer.
	sleeps string
	stuck  testregistry.Rule
}

// stuck is a request that is not answered.
func stuck(method, path string) testregistry.Rule {
	return testregistry.Rule{Method: method, Path: regexp.MustCompile(path), Delay: time.Hour}
}

// halfway is a request whose answer stops after its first bytes. The first blob
// is the image's config.
func halfway(method, path string) testregistry.Rule {
	return testregistry.Rule{Method: method, Path: regexp.MustCompile(path), Skip: 1, Response: testfaults.Harm{Stall: 10_000}}
}

// interruptions are moments in each part of a build.
var interruptions = []interruption{
	{name: "resolve", stuck: stuck("GET", `^/v2/samples/tiny-builder/manifests/`)},
	{name: "inspect the builder", stuck: stuck("GET", `^/v2/samples/tiny-builder/blobs/`)},
	{name: "unpack the builder", stuck: halfway("GET", `^/v2/samples/tiny-builder/blobs/`)},
	{name: "analyze", stuck: stuck("", `^/v2/app/manifests/`)},
	{name: "detect", sleeps: "detect-sleep"},
	{name: "load the cache", stuck: stuck("GET", `^/v2/cache/manifests/`)},
	{name: "restore", stuck: stuck("GET", `^/v2/cache/blobs/`)},
	{name: "build", sleeps: "build-sleep"},
	{name: "upload", stuck: stuck("PATCH", `/blobs/uploads/`)},
	{name: "publish", stuck: stuck("PUT", `/manifests/`)},
}

// TestInterrupt interrupts builds at every phase. Nothing is left of them, and
// the next build on the same machine is as good as if they had never been.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	reg.tiny(t, nil)
	args := func(host string, app *app) []string {
		return []string{host + "/app", "--builder", host + "/samples/tiny-builder", "--path", app.dir, "--cache-image", host + "/cache", "--publish"}
	}
	unchanged := newApp(t, nil, nil)
	first, _ := newMachine(t).build(args(reg.Addr, unchanged)...)
	before := reg.manifests(t)

	for _, at := range interruptions {
		t.Run(at.name, func(t *testing.T) {
			t.Parallel()
			machine := newMachine(t)
			out := at.interrupt(t, machine, reg, args, syscall.SIGINT)
			out.wantCode(t, 130)
			out.wantStderr(t, "ERROR: cancelled\n")
			machine.wantNothingLeft()
			if diff := cmp.Diff(before, reg.manifests(t)); diff != "" {
				t.Errorf("the registry has changed (-before +after):\n%s", diff)
			}
			again, _ := machine.build(args(reg.Addr, unchanged)...)
			if diff := cmp.Diff(flagged("restored", "reused"), fates(again)); diff != "" {
				t.Errorf("the build after it (-want +got):\n%s", diff)
			}
			if again.Digest != first.Digest {
				t.Errorf("the build after it published %s instead of %s", again.Digest, first.Digest)
			}
		})
	}
}

// TestTerminate ends builds as a CI system does that cancels a job.
func TestTerminate(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	reg.tiny(t, nil)
	args := func(host string, app *app) []string {
		return []string{host + "/app", "--builder", host + "/samples/tiny-builder", "--path", app.dir, "--cache-image", host + "/cache", "--publish"}
	}
	newMachine(t).build(args(reg.Addr, newApp(t, nil, nil))...)
	before := reg.manifests(t)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGKILL} {
		for _, at := range interruptions {
			if at.name != "restore" && at.name != "build" {
				continue // what differs is how the program ends
			}
			t.Run(signal.String()+" "+at.name, func(t *testing.T) {
				t.Parallel()
				machine := newMachine(t)
				out := at.interrupt(t, machine, reg, args, signal)
				if signal == syscall.SIGKILL {
					// Nobody is left to tidy up but the next build; and nothing
					// goes on.
					machine.awaitNoProcesses()
					machine.run(append([]string{"build"}, args(reg.Addr, newApp(t, map[string]string{"detect-exit": "100"}, nil))...)...).wantCode(t, 20)
				} else {
					out.wantCode(t, 130)
				}
				machine.wantNothingLeft()
				if diff := cmp.Diff(before, reg.manifests(t)); diff != "" {
					t.Errorf("the registry has changed (-before +after):\n%s", diff)
				}
			})
		}
	}
}

// interrupt builds a changed application and sends the signal at the moment.
func (at interruption) interrupt(t *testing.T, machine *machine, reg *registry, args func(string, *app) []string, signal syscall.Signal) outcome {
	t.Helper()
	proxy := testregistry.NewFaults(t, reg.Registry, at.stuck)
	app := newApp(t, map[string]string{"churn": "deps launch,cache random"}, nil)
	if at.sleeps == "" {
		build := machine.start(append([]string{"build"}, args(proxy.Addr, app)...)...)
		build.await("the request", func() bool {
			requests := proxy.Requests(at.stuck.Method, at.stuck.Path.String())
			if len(requests) <= at.stuck.Skip {
				return false
			}
			return at.stuck.Response.Stall == 0 || requests[at.stuck.Skip].Received > 0
		})
		build.interrupt(signal)
		return build.wait()
	}
	proxy.Set()
	// A number of seconds by which the process is known.
	seconds := strconv.FormatInt(naps.Add(1), 10)
	app.set(map[string]string{at.sleeps: seconds, strings.Replace(at.sleeps, "sleep", "background", 1): seconds})
	build := machine.start(append([]string{"build"}, args(proxy.Addr, app)...)...)
	build.await("the buildpack slept", func() bool { return len(sleepers(t, seconds)) == 2 })
	build.interrupt(signal)
	out := build.wait()
	if signal == syscall.SIGKILL {
		machine.awaitNoProcesses()
	}
	if pids := sleepers(t, seconds); len(pids) > 0 {
		t.Errorf("processes of the buildpack are still there: %v", pids)
	}
	return out
}

// naps counts how long buildpacks sleep, none as long as another.
var naps = func() *atomic.Int64 {
	var n atomic.Int64
	n.Store(int64(os.Getpid()) << 10)
	return &n
}()

// sleepers lists the processes that are called sleep with a number of seconds.
func sleepers(t *testing.T, seconds string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		// What cannot be read has ended.
		if line, _ := os.ReadFile(file); strings.HasSuffix(string(line), "sleep\x00"+seconds+"\x00") {
			found = append(found, file)
		}
	}
	return found
}

// awaitNoProcesses waits until nothing of the machine runs any more.
func (m *machine) awaitNoProcesses() {
	m.t.Helper()
	testwait.Eventually(m.t, "processes of the machine still run", func() bool { return len(m.processes()) == 0 })
}
