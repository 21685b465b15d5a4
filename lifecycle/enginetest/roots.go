package enginetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

func testBuilderFiles(t *testing.T, s *suite) {
	place := s.place(t)
	got := steps(t, place, builderPhase("do",
		"read:/etc/passwd", "read:/replaced", "read:/hidden/other", "list:/hidden", "stat:/removed", "read:/cnb/link",
		"write:/cnb/mine/new=x", "write:/etc/new=x",
		"write:/tmp/new=x", "write:/dev/null=x", "write:/dev/shm/new=x", "list:/sys/kernel/no-such",
	))
	if diff := cmp.Diff([]report.Step{
		{Out: passwd}, {Out: "of the second layer"}, {Out: "of the second layer"}, {Out: "other"},
		{Err: "lstat /removed: no such file or directory"}, {Out: passwd},
	}, got[:6]); diff != "" {
		t.Errorf("files of the builder (-want +got):\n%s", diff)
	}
	if got[6].Err != "" && !s.has(InPlace) {
		t.Errorf("the build user's own directory: %s", got[6].Err)
	}
	// got[7]: a user with one id owns all files, and may write to them; the
	// next phase sees nothing of it.
	for i, what := range map[int]string{8: "/tmp", 9: "/dev/null", 10: "/dev/shm"} {
		if got[i].Err != "" {
			t.Errorf("writing to %s: %s", what, got[i].Err)
		}
	}
	t.Run("special directories", func(t *testing.T) {
		found := state(t, place, builderPhase("state"))
		for _, path := range []string{"/proc", "/dev", "/sys"} {
			if _, mounted := found.Mounts[path]; !mounted {
				t.Errorf("%s is not mounted", path)
			}
		}
		if options := found.Mounts["/sys"]; !slices.Contains(strings.Split(options, ","), "ro") {
			t.Errorf("/sys is mounted %s", options)
		}
		// Java, for one, looks up the name of the machine that it runs on.
		if !found.Resolves {
			t.Errorf("the host name %q has no address", found.Hostname)
		}
	})
}

// testTerminals checks that a phase of the builder can make a terminal.
func testTerminals(t *testing.T, s *suite) {
	got := steps(t, s.place(t), builderPhase("do", "terminal:=some words"))
	if diff := cmp.Diff([]report.Step{{Out: "some words"}}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func testFreshRoot(t *testing.T, s *suite) {
	place := s.place(t)
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) {
		steps(t, place, phase("do", "write:/tmp/left=x", "write:/dev/shm/left=x", "write:/left=x",
			"mkdir:/cnb/mine/left", "remove:/cnb/order.toml", "write:/etc/passwd=x"))
		got := steps(t, place, phase("do", "list:/tmp", "list:/dev/shm", "stat:/left", "stat:/cnb/mine/left"))
		if got[0].Out != "" || got[1].Out != "" || got[2].Err == "" || got[3].Err == "" {
			t.Errorf("a phase left something to the next: %+v", got)
		}
	})
	got := steps(t, place, builderPhase("do", "read:/cnb/order.toml", "read:/etc/passwd"))
	if got[0].Out != "order" || !strings.HasPrefix(got[1].Out, "root:") {
		t.Errorf("a phase changed the builder: %+v", got)
	}
}

func testOwnRoot(t *testing.T, s *suite) {
	place := s.place(t)
	got := state(t, place, ownPhase("state", "argument"))
	if diff := cmp.Diff([]string{"pack-cache", "state", "argument"}, got.Args); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	found := steps(t, place, ownPhase("do", "write:/tmp/new=x", "write:/dev/null=x", "read:/etc/resolv.conf", "read:/etc/hosts"))
	for i, what := range []string{"/tmp", "/dev/null"} {
		if found[i].Err != "" {
			t.Errorf("%s: %s", what, found[i].Err)
		}
	}
}

// testOwnRootIsApart checks that a phase with credentials sees nothing that the
// builder could have put in its way.
func testOwnRootIsApart(t *testing.T, s *suite) {
	place := s.place(t)
	t.Run("what the builder brings cannot be executed", func(t *testing.T) {
		phase := with(ownPhase("run", toolPath, "say"), lifecycle.Mount{Builder: "/cnb", Target: "/cnb", ReadOnly: true})
		if code := exitCode(t, place.Run(t.Context(), phase, lifecycle.Streams{})); code != 99 {
			t.Errorf("exit code %d, want the probe's 99", code)
		}
	})
	if s.has(InPlace) {
		return
	}
	got := steps(t, place, ownPhase("do", "stat:/cnb", "stat:/usr/bin", "stat:/workspace",
		"stat:/replaced", "stat:"+s.home, "read:/etc/passwd", "read:/etc/resolv.conf", "read:/etc/hosts"))
	for _, step := range got[:5] {
		if step.Err == "" {
			t.Errorf("there is %s", step.Out)
		}
	}
	if got[5].Out != "" {
		t.Errorf("/etc/passwd has %q", got[5].Out)
	}
	for _, step := range got[6:] {
		if strings.Contains(step.Err, outside()) {
			t.Errorf("the builder steers the resolver: %s", step.Err)
		}
	}
}
