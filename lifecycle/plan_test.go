package lifecycle_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/lifecycle"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestNewPlan holds the phases of a build against a golden file: whoever
// changes what a phase may see has to change that file, too.
func TestNewPlan(t *testing.T) {
	t.Parallel()
	plan := lifecycle.NewPlan(lifecycle.PlanInput{
		PlatformAPI: "0.15",
		User:        lifecycle.User{UID: 1001, GID: 1002},
		BuilderEnv:  []string{"PATH=/bin", "HOME=/root", "CNB_USER_ID=1001"},
		OwnEnv:      []string{"SSL_CERT_FILE=/ca.crt"},
		Paths:       lifecycle.Paths{App: "/src"},
		ExecEnv:     "test",
		NoSystem:    true,
		Mounts:      []lifecycle.Mount{{Host: "/srv/bindings", Target: "/platform/bindings", ReadOnly: true}},
		Network:     lifecycle.NetworkNone,
		LogLevel:    "debug",
		NoColor:     true,
	})
	got, err := json.MarshalIndent(plan, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "plan.json")
	if *update {
		if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

// TestNewPlanKeepsApart checks the rules that keep credentials and buildpacks
// apart, whatever the golden file says.
func TestNewPlanKeepsApart(t *testing.T) {
	t.Parallel()
	for name, phase := range lifecycle.NewPlan(lifecycle.PlanInput{PlatformAPI: "0.7"}) {
		for _, mount := range phase.Mounts {
			if phase.Root == lifecycle.BuilderRoot && mount.Volume == lifecycle.VolumeState {
				t.Errorf("phase %s is the builder's and sees the state of own phases", name)
			}
			if phase.Root == lifecycle.OwnRoot && mount.Builder != "" && !mount.ReadOnly {
				t.Errorf("own phase %s could write to the builder's %s", name, mount.Builder)
			}
		}
	}
}

func TestOwnEnv(t *testing.T) {
	t.Parallel()
	got := lifecycle.OwnEnv([]string{"HTTPS_PROXY=http://p:1", "AWS_SECRET_ACCESS_KEY=s", "CNB_REGISTRY_AUTH={}", "SSL_CERT_FILE=/ca.crt", "HOME=/root"})
	if diff := cmp.Diff([]string{"HTTPS_PROXY=http://p:1", "SSL_CERT_FILE=/ca.crt"}, got); diff != "" {
		t.Errorf("own environment (-want +got):\n%s", diff)
	}
}

func TestWithProxies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		builder []string
		environ []string
		want    []string
	}{
		{"none", []string{"PATH=/bin"}, []string{"HOME=/root", "TOKEN=t"}, []string{"PATH=/bin"}},
		{"passed on", nil, []string{"no_proxy=localhost", "HTTPS_PROXY=http://proxy:3128"}, []string{"no_proxy=localhost", "HTTPS_PROXY=http://proxy:3128"}},
		{"caller's wins", []string{"HTTP_PROXY=http://old"}, []string{"HTTP_PROXY=http://new"}, []string{"HTTP_PROXY=http://new"}},
		{"password left out", nil, []string{"HTTP_PROXY=http://user:secret@proxy:3128"}, []string{"HTTP_PROXY=http://proxy:3128"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, lifecycle.WithProxies(tt.builder, tt.environ)); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
}
