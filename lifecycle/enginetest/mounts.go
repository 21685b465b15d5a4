package enginetest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

func testMounts(t *testing.T, s *suite) {
	place := s.place(t)
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) {
		bare := state(t, place, phase("state"))
		mounts := []lifecycle.Mount{
			{Volume: lifecycle.VolumeApp, Target: "/deep/down/below"}, // before what it lies in
			{Volume: lifecycle.VolumeState, Target: "/deep/down"},
			{Volume: lifecycle.VolumeLayers, Target: "/layers"},
			{Volume: lifecycle.VolumePlatform, Target: "/platform", ReadOnly: true},
		}
		got := state(t, place, with(phase("state"), mounts...))
		var added []string
		for path := range got.Mounts {
			if _, before := bare.Mounts[path]; !before {
				added = append(added, path)
			}
		}
		slices.Sort(added)
		if diff := cmp.Diff([]string{"/deep/down", "/deep/down/below", "/layers", "/platform"}, added); diff != "" {
			t.Errorf("mounts (-want +got):\n%s\nof %v", diff, slices.Sorted(maps.Keys(got.Mounts)))
		}
		found := steps(t, place, with(phase("do",
			"write:/layers/a=1", "write:/deep/down/b=2", "write:/deep/down/below/c=3", "write:/platform/d=4",
			"read:/layers/a", "read:/deep/down/b", "read:/deep/down/below/c", "list:/platform", "stat:/layers",
		), mounts...))
		for i, step := range found {
			if failed := step.Err != ""; failed != (i == 3) {
				t.Errorf("step %d: %+v", i, step)
			}
		}
		if got, want := found[8].Out, "drwxr-xr-x 1001:1002 /layers"; got != want {
			t.Errorf("/layers is %s, want %s", got, want)
		}
	})
}

func testHostMounts(t *testing.T, s *suite) {
	place := s.place(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("of the host"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, file, filepath.Dir(dir)} {
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) {
		got := steps(t, place, with(
			phase("do", "read:/host/file", "read:/one/file", "append:/host/file=!", "append:/one/file=!", "read:/one/file"),
			lifecycle.Mount{Host: dir, Target: "/host", ReadOnly: true},
			lifecycle.Mount{Host: file, Target: "/one/file"},
		))
		if got[0].Out == "" || got[0].Out != got[1].Out {
			t.Errorf("read %+v and %+v", got[0], got[1])
		}
		if got[2].Err == "" {
			t.Error("a read-only mount can be written to")
		}
		if got[3].Err != "" || got[4].Out != got[0].Out+"!" {
			t.Errorf("writing gave %+v, then %+v", got[3], got[4])
		}
	})
}

func testBuilderMounts(t *testing.T, s *suite) {
	place := s.place(t)
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) {
		got := steps(t, place, with(
			phase("do", "read:/data/order.toml", "read:/passwd", "write:/data/mine/new=x", "stat:/optional"),
			lifecycle.Mount{Builder: "/cnb", Target: "/data"},
			lifecycle.Mount{Builder: "/cnb/link", Target: "/passwd", Optional: true}, // a link within the image
			lifecycle.Mount{Builder: "/no/such/file", Target: "/optional", Optional: true},
		))
		want := []report.Step{{Out: "order"}, {Out: passwd}}
		if diff := cmp.Diff(want, got[:2]); diff != "" {
			t.Errorf("files of the builder (-want +got):\n%s", diff)
		}
		if got[2].Err == "" {
			t.Error("the builder can be written to")
		}
		if got[3].Err == "" {
			t.Errorf("there is %s", got[3].Out)
		}
	})
}

func testBadMounts(t *testing.T, s *suite) {
	place := s.place(t)
	for name, mount := range map[string]lifecycle.Mount{
		"no source":         {Target: "/a"},
		"two sources":       {Volume: lifecycle.VolumeApp, Host: "/tmp", Target: "/a"},
		"unknown volume":    {Volume: "unknown", Target: "/a"},
		"relative target":   {Volume: lifecycle.VolumeApp, Target: "a"},
		"the root":          {Volume: lifecycle.VolumeApp, Target: "/x/.."},
		"relative source":   {Host: "tmp", Target: "/a"},
		"missing source":    {Host: outside(), Target: "/a"},
		"missing in image":  {Builder: "/no/such/file", Target: "/a"},
		"optional volume":   {Volume: lifecycle.VolumeApp, Target: "/a", Optional: true},
		"out of the image":  {Builder: "/climb", Target: "/a"},
		"volume by a climb": {Volume: "../volumes/app", Target: "/a"},
	} {
		if mount.Host == outside() && slices.Contains(s.quirks, MakesHostDirectories) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			err := place.Run(t.Context(), with(builderPhase("say"), mount), lifecycle.Streams{})
			if err == nil || !strings.Contains(err.Error(), mount.Target) {
				t.Errorf("got %v, want an error that names the mount", err)
			}
		})
	}
}

// testHostileLinks mounts over paths where the builder has links: the mounts
// are where the phase wants them, and the machine is left alone.
func testHostileLinks(t *testing.T, s *suite) {
	place := s.place(t)
	mounts := []lifecycle.Mount{
		{Volume: lifecycle.VolumeApp, Target: "/workspace"},
		{Volume: lifecycle.VolumeLayers, Target: "/layers"},
		{Volume: lifecycle.VolumePlatform, Target: "/platform"},
		{Volume: lifecycle.VolumeState, Target: "/state"},
		{Volume: lifecycle.VolumeHomeBuild, Target: "/var/home"}, // by way of /run
	}
	phase := with(builderPhase("do", "write:/workspace/a=app", "write:/layers/a=layers", "write:/platform/a=platform",
		"write:/state/a=state", "write:/var/home/a=home", "read:/run/home/a", "read:/cnb/order.toml",
		"stat:/workspace", "write:/tmp/a=tmp", "stat:/tmp", "stat:/etc/hosts", "stat:"+outside()), mounts...)
	phase.Dir = "/workspace"
	got := steps(t, place, phase)
	for i, step := range got[:11] {
		if step.Err != "" {
			t.Errorf("step %s: %s", phase.Args[2+i], step.Err)
		}
	}
	for _, i := range []int{7, 9} {
		if !strings.HasPrefix(got[i].Out, "d") {
			t.Errorf("%s is %s", phase.Args[2+i], got[i].Out)
		}
	}
	if got[5].Out != "home" || got[6].Out != "order" {
		t.Errorf("got %+v", got)
	}
	for volume, want := range map[string]string{
		lifecycle.VolumeApp: "app", lifecycle.VolumeLayers: "layers", lifecycle.VolumePlatform: "platform",
	} {
		if text := export(t, place, volume, "a"); text != want {
			t.Errorf("volume %s has %q", volume, text)
		}
	}
	if _, err := os.Lstat(outside()); err == nil {
		t.Errorf("%s exists on the machine", outside())
	}
}
