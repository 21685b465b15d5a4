package acceptance

import (
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testran"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testwait"
)

// TestDaemonOutput leaves app images in daemons. They are the images that would
// have been published, and a daemon is sent what it does not have.
func TestDaemonOutput(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	newMachine(t).build(reg.ref("published"), "--builder", builder, "--path", app.dir, "--publish")
	id, err := reg.image(t, reg.ref("published")).ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	for _, on := range daemonGrounds(t) {
		testran.Against(t, testran.Row{
			Subject: "Daemons", Peer: on.name, Version: on.version(t),
			Done: "app images are left there, by the engines sandbox and docker, and only what it lacks is sent; they run",
		})
		for _, engine := range []string{"sandbox", "docker"} {
			t.Run(on.name+" with engine "+engine, func(t *testing.T) {
				daemonOutput{reg, on, engine, builder, id.String()}.check(t)
			})
		}
	}
}

type daemonOutput struct {
	reg                 *registry
	on                  ground
	engine, builder, id string
}

func (d daemonOutput) check(t *testing.T) {
	name, too := d.reg.ref(d.engine+"/app")+":latest", "pack-cache-tests/"+d.engine+":too" // of Docker's own registry
	app := newApp(t, nil, nil)
	count := d.on.count(t)
	m := newMachine(t, "DOCKER_HOST=unix:///nowhere")
	m.flags = []string{"--engine", d.engine, "--docker-host", count.host}
	args := func(cache string) []string {
		return []string{name, "--tag", too, "--builder", d.builder, "--path", app.dir,
			"--import-cache", d.reg.ref(d.engine + "/cache-" + cache), "--export-cache", d.reg.ref(d.engine + "/cache-" + cache)}
	}
	first, out := m.build(args(d.on.name)...)
	out.wantStderr(t, "The image "+name+", "+too+" is in the docker daemon at "+count.host+" ("+d.id+")")
	if first.ID != d.id || first.Image != d.id || first.Digest != "" || first.Output.To != "daemon" {
		t.Errorf("the result is image %s, id %s, digest %q, to %+v; want %s", first.Image, first.ID, first.Digest, first.Output, d.id)
	}
	for _, tag := range []string{name, too} {
		if kept := d.on.kept(t, tag); kept.ID != d.id {
			t.Errorf("the daemon has %s for %s instead of %s", kept.ID, tag, d.id)
		}
	}
	d.on.wantRuns(t, name)
	d.wantNothingElse(t)
	if d.engine == "docker" {
		return // the rest is the same, whatever runs the phases
	}

	sent := count.sent.Load()
	again, out := m.build(args(d.on.name)...)
	out.wantStderr(t, "flags: launch-build-cache: restored", "Reusing layer 'samples/flags:only-launch'", "Reused 3/3 app layer(s)")
	if again.ID != d.id {
		t.Errorf("the second image is %s", again.ID)
	}
	if sent := count.sent.Load() - sent; sent > 100_000 {
		t.Errorf("%d bytes were sent for an image that was there", sent)
	}

	app.set(map[string]string{"build-exit": "1"})
	m.run(append([]string{"build"}, args(d.on.name)...)...).wantCode(t, 51)
	if kept := d.on.kept(t, name); kept.ID != d.id {
		t.Errorf("a build that failed left image %s", kept.ID)
	}

	app.unset("build-exit")
	count.stopLoads.Store(true)
	interrupted := m.start(append([]string{"build"}, args(d.on.name)...)...)
	interrupted.await("the image was sent", func() bool { return count.stopped.Load() })
	interrupted.interrupt(syscall.SIGINT)
	interrupted.wait().wantCode(t, 130)
	count.stopLoads.Store(false)
	if kept := d.on.kept(t, name); kept.ID != d.id {
		t.Errorf("a build that was interrupted left image %s", kept.ID)
	}

	// A layer below others changes, and one above it is not even restored.
	app.set(map[string]string{"churn": "first launch random\nlast launch keep\n"})
	m.build(args("none")...)
	app.set(map[string]string{"churn": "first launch random\nlast launch keep\nmore launch keep\n"})
	changed, out := m.build(args("none")...)
	out.wantStderr(t, "Reusing layer 'samples/churn:last'", "Adding layer 'samples/churn:first'")
	if changed.ID == d.id || d.on.kept(t, name).ID != changed.ID {
		t.Errorf("the changed image is %s, and the daemon has %s", changed.ID, d.on.kept(t, name).ID)
	}
	d.on.wantRuns(t, changed.Image)

	d.wantNothingElse(t)
}

// wantNothingElse fails if builds have left more images than their own and its run
// image, or the containers by which they look into one. Other tests use the daemon
// meanwhile: what is theirs goes, or has other names.
func (d daemonOutput) wantNothingElse(t *testing.T) {
	t.Helper()
	known := regexp.MustCompile("^" + regexp.QuoteMeta(d.reg.Addr) + "/((sandbox|docker)/app|samples/tiny-run):latest$")
	looking := regexp.MustCompile("^/pack-cache-[0-9a-f]{32}$")
	testwait.Eventually(t, "the build looks for a name in the daemon", func() bool {
		left := d.on.left(t)
		for _, name := range left {
			if strings.HasPrefix(name, d.reg.Addr) && !known.MatchString(name) {
				t.Errorf("%s is left in the daemon", name)
			}
		}
		return !slices.ContainsFunc(left, looking.MatchString)
	})
}

// TestNoDaemonForOutput builds without a name of any place that there is.
func TestNoDaemonForOutput(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	refusal{
		args: []string{reg.ref("app"), "--builder", builder, "--path", app.dir},
		env:  []string{"DOCKER_HOST=unix:///nowhere"},
		code: 1,
		says: []string{"the app image would go to a docker daemon: no docker daemon answers at unix:///nowhere", "HINT: add --publish", "or build oci:DIRECTORY", "or start a docker daemon"},
	}.check(t, reg)
}
