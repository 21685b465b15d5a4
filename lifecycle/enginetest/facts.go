package enginetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// testFacts holds an engine to what it says of itself.
func testFacts(t *testing.T, s *suite) {
	again := cmpopts.IgnoreFields(lifecycle.Traits{}, "Images")
	if diff := cmp.Diff(s.traits, s.engine.Traits(), again); diff != "" {
		t.Errorf("the traits change (-before +after):\n%s", diff)
	}
	if s.traits.Name == "" || s.traits.Name == "auto" {
		t.Errorf("an engine is called %q", s.traits.Name)
	}
	if s.facts.How == "" {
		t.Error("nothing is said of how the engine works here")
	}
	if fixed := s.facts.Paths != (lifecycle.Paths{}); fixed == s.traits.Mounts {
		t.Errorf("mounts %t, and paths %+v", s.traits.Mounts, s.facts.Paths)
	}
	if resident := s.facts.Resident != nil; resident != s.traits.Resident {
		t.Errorf("resident %t, and a builder %t", s.traits.Resident, resident)
	}
	if _, addressed := s.engine.(lifecycle.Addressed); addressed != s.traits.Daemon {
		t.Errorf("a daemon %t, and another address %t", s.traits.Daemon, addressed)
	}
	for _, err := range []error{s.facts.Untrusted, s.facts.NoNetwork} {
		if err != nil && hint.Of(err) == "" {
			t.Errorf("no hint in %v", err)
		}
	}
	place := s.place(t)
	if facts := place.Facts(); facts.Room == "" || facts.OutOfMemory {
		t.Errorf("a place says of itself %+v", facts)
	}
	if _, extends := place.(lifecycle.Extender); extends != s.traits.Extends {
		t.Errorf("extends %t, and the place is an Extender %t", s.traits.Extends, extends)
	}
	if err := place.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}
