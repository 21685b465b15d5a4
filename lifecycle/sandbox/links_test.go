package sandbox

import (
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

// TestLinksInVolumes has own phases follow no link that the builder's phases have left
// in a volume, whatever they do with it. The builder's phases follow theirs.
func TestLinksInVolumes(t *testing.T) {
	e := New(Config{StoreDir: t.TempDir(), WorkDir: t.TempDir(), Executable: enginetest.Program(t)})
	place, err := e.Open(t.Context(), lifecycle.PlaceSpec{Builder: enginetest.Builder(t), User: testUser, Volumes: []string{lifecycle.VolumeLayers, lifecycle.VolumeState}})
	if err != nil {
		t.Fatal(err)
	}
	defer place.Close()
	volumes := func(phase lifecycle.Phase) lifecycle.Phase {
		phase.Mounts = []lifecycle.Mount{{Volume: lifecycle.VolumeLayers, Target: "/layers"}}
		if phase.Root == lifecycle.OwnRoot {
			phase.Mounts = append(phase.Mounts, lifecycle.Mount{Volume: lifecycle.VolumeState, Target: "/state"})
		}
		return phase
	}
	run[[]report.Step](t, place, volumes(ownPhase("do", "write:/state/kept=state")))
	builders := ownPhase("/cnb/lifecycle/tool", "do",
		"write:/layers/file=file", "link:/layers/inside=file", "link:/layers/state=/state/kept", "link:/layers/fd=/proc/self/fd/1", "link:/layers/up=..", "read:/layers/inside")
	builders.Root, builders.Name = lifecycle.BuilderRoot, lifecycle.Build
	if got := run[[]report.Step](t, place, volumes(builders)); got[5].Out != "file" {
		t.Fatalf("got %+v", got)
	}
	got := run[[]report.Step](t, place, volumes(ownPhase("do",
		"read:/layers/inside", "write:/layers/state=x", "write:/layers/fd=x", "read:/layers/up/state/kept", "read:/state/kept", "stat:/layers/file")))
	for i, step := range got[:4] {
		if !strings.Contains(step.Err, "too many levels of symbolic links") {
			t.Errorf("step %d followed a link: %+v", i, step)
		}
	}
	if got[4].Out != "state" || got[5].Err != "" {
		t.Errorf("got %+v", got[4:])
	}
}
