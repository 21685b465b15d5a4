package platform

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/builder/extra"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// fakeEngine is an engine that says what it is told to.
type fakeEngine struct {
	lifecycle.Engine
	name, works string
	probe       error
	untrusted   error
	home        *fakeHome
}

func (e *fakeEngine) Traits() lifecycle.Traits {
	return lifecycle.Traits{Name: e.name, Mounts: e.home == nil, Resident: e.home != nil}
}

func (e *fakeEngine) Probe(context.Context) (lifecycle.Facts, error) {
	facts := lifecycle.Facts{How: e.works, Untrusted: e.untrusted}
	if e.home != nil {
		facts.Resident = e.home
	}
	return facts, e.probe
}

// fakeHome is the builder that this process is in. An image that is named is
// another one, if there is an error that says so.
type fakeHome struct{ other error }

func (h *fakeHome) Image(context.Context) (v1.Image, error) { return empty.Image, nil }
func (h *fakeHome) Is(context.Context, v1.Image) error      { return h.other }

// infos keeps what the user is told.
type infos struct {
	progress.Reporter
	all []string
}

func (i *infos) Info(message string) { i.all = append(i.all, message) }

// TestChooseEngine tells what is said of the choice, in one line.
func TestChooseEngine(t *testing.T) {
	t.Parallel()
	elsewhere := hint.With("run it in a builder", lifecycle.ErrElsewhere)
	forbidden := hint.Errorf("allow namespaces", "no sandbox can be made here: seccomp\nids 1")
	dead := hint.Errorf("start one", "no daemon")
	for _, test := range []struct {
		name, wanted  string
		inside, other error // of the engine in place
		untrusted     error
		sandbox       error
		docker        error
		unnamed       bool
		want          string
	}{
		{name: "inside a builder", want: "Engine inplace: Landlock"},
		{name: "inside a builder that nobody named", unnamed: true, want: "Engine inplace: Landlock"},
		{name: "inside another builder", other: errors.New("another builder"), want: "Engine sandbox: root with namespaces; not inplace (another builder)"},
		{name: "untrusted without landlock", untrusted: errors.New("no landlock"), want: "Engine sandbox: root with namespaces; not inplace (no landlock)"},
		{name: "elsewhere", inside: elsewhere, want: "Engine sandbox: root with namespaces"},
		{name: "no namespaces", inside: elsewhere, sandbox: forbidden, want: "Engine docker: Docker 28; not sandbox (no sandbox can be made here: seccomp)"},
		{name: "chosen", wanted: "docker", want: "Engine docker: Docker 28; chosen with --engine"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			said := &infos{Reporter: progress.Discard}
			p := &Platform{Progress: said, Engines: []lifecycle.Engine{
				&fakeEngine{name: "inplace", works: "Landlock", probe: test.inside, untrusted: test.untrusted, home: &fakeHome{test.other}},
				&fakeEngine{name: "sandbox", works: "root with namespaces", probe: test.sandbox},
				&fakeEngine{name: "docker", works: "Docker 28", probe: test.docker},
			}}
			if err := chosen(t, p, test.wanted, test.unnamed); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{test.want}, said.all); diff != "" {
				t.Errorf("said (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		p := &Platform{Progress: progress.Discard, Engines: []lifecycle.Engine{
			&fakeEngine{name: "inplace", probe: elsewhere, home: &fakeHome{}},
			&fakeEngine{name: "sandbox", probe: forbidden}, &fakeEngine{name: "docker", probe: dead},
		}}
		err := chosen(t, p, "auto", false)
		const table = "no engine can run phases here; tried:\n" +
			"  inplace   not in such a place\n" +
			"  sandbox   no sandbox can be made here: seccomp\n" +
			"            ids 1\n" +
			"  docker    no daemon"
		const remedies = "one of these helps:\n" +
			"  - for inplace: run it in a builder\n  - for sandbox: allow namespaces\n  - for docker: start one"
		if diff := cmp.Diff([]string{table, remedies}, []string{err.Error(), hint.Of(err)}); diff != "" {
			t.Errorf("error and hint (-want +got):\n%s", diff)
		}
	})
	t.Run("one", func(t *testing.T) {
		t.Parallel()
		p := &Platform{Progress: progress.Discard, Engines: []lifecycle.Engine{&fakeEngine{name: "sandbox", probe: forbidden}}}
		if err := chosen(t, p, "sandbox", false); err == nil || !strings.HasPrefix(err.Error(), "engine sandbox: no sandbox") {
			t.Errorf("got %v", err)
		}
	})
}

// TestNoBuilder says why the builder that pack-cache runs in cannot be used, if it
// runs in one.
func TestNoBuilder(t *testing.T) {
	t.Parallel()
	closed := hint.Errorf("mount a volume there", "/layers: permission denied")
	elsewhere := hint.With("run it in a builder", lifecycle.ErrElsewhere)
	sandbox := &fakeEngine{name: "sandbox"}
	for _, test := range []struct {
		name    string
		engines []lifecycle.Engine
		want    string
		usage   bool
	}{
		{"elsewhere", []lifecycle.Engine{&fakeEngine{name: "inplace", probe: elsewhere, home: &fakeHome{}}, sandbox}, "no builder given", true},
		{"no such engine", []lifecycle.Engine{sandbox}, "no builder given", true},
		{"in one that cannot be used", []lifecycle.Engine{&fakeEngine{name: "inplace", probe: closed, home: &fakeHome{}}, sandbox},
			"no builder given, and engine inplace cannot use the one that pack-cache runs in: /layers: permission denied", false},
		{"elsewhere, but chosen", []lifecycle.Engine{&fakeEngine{name: "inplace", probe: elsewhere, home: &fakeHome{}}},
			"no builder given, and engine inplace cannot use the one that pack-cache runs in: not in such a place", false},
	} {
		err := noBuilder(t.Context(), test.engines)
		if _, usage := errors.AsType[*hint.UsageError](err); err.Error() != test.want || usage != test.usage {
			t.Errorf("%s: %v (usage: %t)", test.name, err, usage)
		}
	}
	p := &Platform{Engines: []lifecycle.Engine{&fakeEngine{name: "inplace", home: &fakeHome{}}, sandbox}}
	r := &resolved{Options: Options{Network: lifecycle.NetworkHost, Volumes: []lifecycle.Mount{{Host: "/a", Target: "/b"}}}, engines: []lifecycle.Engine{sandbox}}
	var err error
	if r.platform, err = parsePlatform(""); err != nil {
		t.Fatal(err)
	}
	_, err = p.builderImage(t.Context(), r)
	if want := "no builder given: engine inplace cannot mount anything, as --volume and --workspace ask for"; err == nil || err.Error() != want {
		t.Errorf("%v, want %q", err, want)
	}
}

// chosen has an engine chosen for a build of nothing.
func chosen(t *testing.T, p *Platform, wanted string, unnamed bool) error {
	t.Helper()
	r := &resolved{Options: Options{Engine: wanted}, builder: &builder.Builder{Image: empty.Image, UID: 1, GID: 1}, extra: &extra.Additions{}}
	var err error
	if r.engines, err = p.candidates(wanted); err != nil {
		return err
	}
	if !unnamed {
		if r.builderRef, err = r.parse("builder", "registry.example.com/builder"); err != nil {
			return err
		}
	}
	return p.chooseEngine(t.Context(), r)
}
