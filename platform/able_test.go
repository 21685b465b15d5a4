package platform

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// TestAble tells who can do what the user asks for, and what is said where nobody
// can.
func TestAble(t *testing.T) {
	t.Parallel()
	fixed := &fakeEngine{name: "fixed", home: &fakeHome{}}
	here, there, daemon := &traitsEngine{traits: lifecycle.Traits{Name: "here", Mounts: true}},
		&traitsEngine{traits: lifecycle.Traits{Name: "there", Mounts: true, Remote: true, Foreign: true}},
		&traitsEngine{traits: lifecycle.Traits{Name: "daemon", Mounts: true, Remote: true, Foreign: true, Daemon: true}}
	this, err := parsePlatform("")
	if err != nil {
		t.Fatal(err)
	}
	other := v1.Platform{OS: "linux", Architecture: "riscv64"}
	for _, test := range []struct {
		name     string
		engines  []lifecycle.Engine
		opts     Options
		platform v1.Platform
		want     string
	}{
		{"nothing", []lifecycle.Engine{fixed, here, there, daemon}, Options{}, this, "fixed here there daemon"},
		{"a mount", []lifecycle.Engine{fixed, here, there, daemon}, Options{Workspace: "x"}, this, "here there daemon"},
		{"a network of a daemon", []lifecycle.Engine{fixed, here, there, daemon}, Options{Network: "mine"}, this, "daemon"},
		{"another processor", []lifecycle.Engine{fixed, here, there, daemon}, Options{}, other, "there daemon"},
		{"no mounts", []lifecycle.Engine{fixed}, Options{Engine: "fixed", Workspace: "x"}, this,
			"engine fixed cannot mount anything, as --volume and --workspace ask for; choose --engine here or --engine there or --engine daemon"},
		{"no daemon", []lifecycle.Engine{there}, Options{Engine: "there", UsernsHost: true}, this,
			"--userns-host: it is about the user namespaces of a daemon, which engine there does not have; choose --engine daemon"},
		{"no other processor", []lifecycle.Engine{here}, Options{Engine: "here"}, other,
			"--platform linux/riscv64: programs for other processors need a daemon that can run them, which engine here does not have; choose --engine there or --engine daemon"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := &Platform{Engines: []lifecycle.Engine{fixed, here, there, daemon}}
			if test.opts.Network == "" {
				test.opts.Network = lifecycle.NetworkHost
			}
			found, err := p.able(test.engines, test.opts, test.platform)
			var got []string
			for _, engine := range found {
				got = append(got, engine.Traits().Name)
			}
			if usage, ok := errors.AsType[*hint.UsageError](err); ok {
				got = []string{usage.Error() + "; " + usage.Hint()}
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// traitsEngine is an engine that is nothing but its traits.
type traitsEngine struct {
	lifecycle.Engine
	traits lifecycle.Traits
}

func (e *traitsEngine) Traits() lifecycle.Traits { return e.traits }
