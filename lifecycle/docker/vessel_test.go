package docker

import (
	"testing"

	"github.com/docker/docker/api/types/mount"
	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/lifecycle"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	binds, others := split([]mounting{
		{volume: "v", target: "/a/../b/"},
		{volume: "w", target: "/c", readOnly: true},
		{volume: "new", target: "/d", fill: true},
		{path: "/host", target: "/e", readOnly: true, users: true},
	})
	if diff := cmp.Diff([]string{"v:/b:rw,nocopy", "w:/c:ro,nocopy", "new:/d:rw"}, binds); diff != "" {
		t.Errorf("binds (-want +got):\n%s", diff)
	}
	want := []mount.Mount{{Type: mount.TypeBind, Source: "/host", Target: "/e", ReadOnly: true}}
	if diff := cmp.Diff(want, others); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
}

// TestVesselIsConfined checks what keeps every container, also those that are
// not a phase's.
func TestVesselIsConfined(t *testing.T) {
	t.Parallel()
	config, host := vessel{image: "i", user: lifecycle.User{UID: 1, GID: 2}, network: lifecycle.NetworkNone}.config()
	for what, ok := range map[string]bool{
		"a user":           config.User == "1:2",
		"no health check":  cmp.Equal([]string{"NONE"}, config.Healthcheck.Test),
		"no capability":    cmp.Equal([]string{"ALL"}, []string(host.CapDrop)) && len(host.CapAdd) == 0,
		"no privileges":    !host.Privileged && cmp.Equal([]string{"no-new-privileges"}, host.SecurityOpt),
		"no network":       host.NetworkMode == "none",
		"no log":           host.LogConfig.Type == "none",
		"no init":          host.Init != nil && !*host.Init,
		"its own IPC":      host.IpcMode == "private",
		"nothing is left":  host.AutoRemove,
		"input ends early": config.StdinOnce,
	} {
		if !ok {
			t.Errorf("%s: not so", what)
		}
	}
}

// TestVesselAsAsked has what a build may ask of a daemon in the configuration.
func TestVesselAsAsked(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		vessel                    vessel
		network, userns, hostname string
	}{
		{vessel{network: lifecycle.NetworkNone}, "none", "", "localhost"},
		{vessel{network: lifecycle.NetworkHost}, "host", "", ""},
		{vessel{network: "mine", hostUserns: true}, "mine", "host", ""},
		{vessel{network: "container:other"}, "container:other", "", ""},
	} {
		config, host := test.vessel.config()
		got := []string{string(host.NetworkMode), string(host.UsernsMode), config.Hostname}
		if diff := cmp.Diff([]string{test.network, test.userns, test.hostname}, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test.vessel, diff)
		}
	}
}
