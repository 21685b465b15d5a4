package enginetest

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/lifecycle"
)

func testEnvironment(t *testing.T, s *suite) {
	place := s.place(t)
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) {
		p := phase("state", "with space", "", "$HOME")
		p.Env = []string{"PATH=/x", "EMPTY=", "TEXT=a=b c\n\"", "HOME=/layers"}
		p.Dir = "/layers"
		p = with(p, lifecycle.Mount{Volume: lifecycle.VolumeLayers, Target: "/layers"})
		got := state(t, place, p)
		if diff := cmp.Diff(p.Env, got.Env); diff != "" {
			t.Errorf("environment (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"state", "with space", "", "$HOME"}, got.Args[1:]); diff != "" {
			t.Errorf("arguments (-want +got):\n%s", diff)
		}
		if got.Dir != "/layers" {
			t.Errorf("working directory %s", got.Dir)
		}
		if got.Umask != 0o022 {
			t.Errorf("umask %o", got.Umask)
		}
		p.Env = nil
		if got := state(t, place, p); len(got.Env) > 0 {
			t.Errorf("environment %q, want none", got.Env)
		}
	})
}

func testUserOf(t *testing.T, s *suite) {
	place := s.place(t)
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) {
		got := state(t, place, phase("state"))
		want := [4]int{testUser.UID, testUser.UID, testUser.GID, testUser.GID}
		if ids := [4]int{got.UID, got.EUID, got.GID, got.EGID}; ids != want {
			t.Errorf("ids %v, want %v", ids, want)
		}
		// An id that is not mapped shows as 65534; a user with a single id
		// cannot get rid of groups, which then mean nothing in the root.
		others := slices.DeleteFunc(got.Groups, func(g int) bool { return g == testUser.GID || g == 65534 })
		if len(others) > 0 {
			t.Errorf("supplementary groups %v", others)
		}
	})
}

func testPrivileges(t *testing.T, s *suite) {
	place := s.place(t)
	check := func(t *testing.T, phase lifecycle.Phase) {
		got := state(t, place, phase)
		for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
			if set == "CapBnd" && s.has(InPlace) && os.Geteuid() != 0 {
				continue // an ordinary user cannot; no_new_privs makes it no matter
			}
			if strings.Trim(got.Status[set], "0") != "" {
				t.Errorf("%s is %s", set, got.Status[set])
			}
		}
		if got.Status["NoNewPrivs"] != "1" {
			t.Errorf("no_new_privs is %q", got.Status["NoNewPrivs"])
		}
		if got.EUID != testUser.UID {
			t.Errorf("effective user %d", got.EUID)
		}
	}
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) { check(t, phase("state")) })
	t.Run("by way of a setuid program", func(t *testing.T) {
		check(t, builderPhase("run", setuidPath, "state"))
	})
}

func testDescriptors(t *testing.T, s *suite) {
	place := s.place(t)
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) {
		got := state(t, place, phase("state"))
		for fd, target := range got.Descriptors {
			// The probe itself has /proc/self/fd open while it looks, and its
			// runtime the files with its CPU limit.
			if !slices.Contains([]string{"0", "1", "2"}, fd) && !strings.HasSuffix(target, "/fd") &&
				!strings.HasPrefix(target, "/sys/fs/cgroup/") {
				t.Errorf("descriptor %s is %s", fd, target)
			}
		}
		if !got.LeadsSession {
			t.Error("the phase has no session of its own")
		}
	})
}
