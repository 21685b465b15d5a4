package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testdocker"
	"github.com/pack-cache/pack-cache/internal/test/testneeds"
	"github.com/pack-cache/pack-cache/internal/test/testran"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
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
		if err != nil {
			testneeds.Missing(t, "cannot start %s: %v", name, err)
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

// version is that of the daemon, as its program says it.
func (g ground) version(t *testing.T) string {
	t.Helper()
	program := map[string]string{"docker": "/usr/sbin/dockerd", "podman": "podman"}[g.name]
	return testran.Program(t, program, "--version")
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

// outcomeOf is a row of the table: how something was built, and what it has to be.
type outcomeOf struct {
	trusted bool
	output  string // publish, daemon or layout
	// from is the cache to import, "" for a build that makes one.
	from string
}

// TestEngines builds the same with every engine, with a builder that is trusted
// and with one that is not, for every kind of output, and each time as a machine
// that has never built before. All give the same image, and each engine takes over
// the caches of the others.
func TestEngines(t *testing.T) {
	t.Parallel()
	for _, on := range daemonGrounds(t) {
		testran.Against(t, testran.Row{
			Subject: "Daemons", Peer: on.name, Version: on.version(t),
			Done: "phases run in its containers, builders trusted and not, every output: the images and caches of the other engines",
		})
	}
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, map[string]string{"src/a": "a", "src/b": "b"})
	e := &engines{reg: reg, builder: builder, app: app}
	before := "" // the engine whose cache there is
	for _, on := range grounds(t) {
		own := reg.ref("cache-" + on.name)
		rows := []outcomeOf{
			{trusted: true, output: "publish"},
			{trusted: false, output: "publish", from: own},
			{trusted: true, output: "layout", from: own},
			{trusted: false, output: "layout", from: own},
			{trusted: true, output: "daemon", from: own},
			{trusted: false, output: "daemon", from: own},
		}
		if on.name == "podman" { // the same engine: enough to see that the other daemon does it, too
			rows = []outcomeOf{rows[0], rows[1], rows[2], rows[5]}
		}
		if before != "" {
			rows[1].from = reg.ref("cache-" + before)
		}
		for _, row := range rows {
			name := on.name + ", untrusted, "
			if row.trusted {
				name = on.name + ", trusted, "
			}
			t.Run(name+row.output, func(t *testing.T) { e.build(t, on.name, on.machine(t), row) })
		}
		before = on.name
	}
	// TestContainers has what else there is of engines without a daemon.
	in := confinements(t, builder, reg)["inplace restricted"]
	t.Run("inplace, untrusted, layout", func(t *testing.T) {
		e.build(t, "inplace", in.machine(t), outcomeOf{false, "layout", reg.ref("cache-docker")})
	})
}

// engines are the builds of one table.
type engines struct {
	reg     *registry
	builder string
	app     *app
	// digest and id are those of the image that all of them are to make.
	digest, id string
}

// build builds one row.
func (e *engines) build(t *testing.T, engine string, m *machine, row outcomeOf) {
	t.Helper()
	image := e.reg.ref("app-" + engine)
	args := []string{image, "--builder", e.builder, "--path", e.app.dir}
	switch row.output {
	case "publish":
		args = append(args, "--publish")
	case "layout":
		args[0] = "oci:out"
	case "daemon":
		if m.daemon() == "" {
			m.env = append(m.env, "DOCKER_HOST="+daemonGrounds(t)[0].daemon.Host)
		}
	}
	if row.trusted {
		m.trust(e.builder)
	}
	if row.from == "" {
		args = append(args, "--cache-image", e.reg.ref("cache-"+engine))
	} else {
		args = append(args, "--import-cache", "type=registry,ref="+row.from)
	}
	result, out := m.build(args...)
	if row.from == "" {
		out.wantStderr(t, "nothing is kept there yet", "make: rebuilt 2 of 2, linked yes")
	} else {
		out.wantStderr(t, "flags: only-cache: restored", "make: rebuilt 0 of 2, linked no")
	}
	if result.Builder.Trusted != row.trusted {
		t.Errorf("the builder is trusted: %t", result.Builder.Trusted)
	}
	if e.digest == "" {
		e.digest = result.Digest
		id, err := e.reg.image(t, image).ConfigName()
		if err != nil {
			t.Fatal(err)
		}
		e.id = id.String()
	}
	got, want := result.Digest, e.digest
	if row.output == "daemon" {
		got, want = result.ID, e.id
	}
	if got != want {
		t.Errorf("the image is %s instead of %s", got, want)
	}
	for _, phase := range result.Phases {
		t.Logf("%s: %.2f s", phase.Name, phase.Seconds)
	}
	t.Logf("the whole: %.2f s", result.Seconds)
}

// daemon returns the daemon that commands of the machine use, "" for none.
func (m *machine) daemon() string {
	for _, entry := range m.env {
		if host, ok := strings.CutPrefix(entry, "DOCKER_HOST="); ok {
			return host
		}
	}
	return ""
}
