package acceptance

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	lifecycleplatform "github.com/buildpacks/lifecycle/platform"
	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testdocker"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/layers"
)

// TestLocalOnDaemons keeps the cache in a directory of the machine that
// pack-cache runs on, by its path and as a volume. The daemon knows nothing of it.
func TestLocalOnDaemons(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	for _, on := range daemonGrounds(t) {
		t.Run(on.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.Chmod(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			args := []string{reg.ref("app-" + on.name), "--builder", builder, "--path", app.dir, "--publish", "--cache-required"}
			machine := func() *machine {
				m := on.machine(t)
				m.env = append(m.env, "XDG_CACHE_HOME="+dir)
				return m
			}
			kept := dir
			if on.name == "docker" {
				kept = filepath.Join(dir, "pack-cache/volumes/mine")
				args = append(args, "--cache", "type=build;format=volume;name=mine")
			} else {
				args = append(args, "--import-cache", "type=local,src="+dir, "--export-cache", "type=local,dest="+dir)
			}
			cold, _ := machine().build(args...)
			if diff := cmp.Diff(flagged("missed", "added"), fates(cold)); diff != "" {
				t.Errorf("cold build (-want +got):\n%s", diff)
			}
			warm, out := machine().build(args...)
			out.wantStderr(t, "flags: only-cache: restored", "Cache "+kept+":latest is as it was")
			if diff := cmp.Diff(flagged("restored", "reused"), fates(warm)); diff != "" {
				t.Errorf("warm build (-want +got):\n%s", diff)
			}
			img, _ := localImage(t, kept, "latest")
			cacheOf(t, img).wantWhole(t)
			if left := on.left(t); slices.Contains(left, "mine") {
				t.Errorf("the daemon has a volume of the cache: %v", left)
			}
		})
	}
}

// TestDockerReadsCache has Debian's Docker pull cache images and show what is in
// them. It knows gzip, and Docker's media types, but not zstd.
func TestDockerReadsCache(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	daemon := testdocker.New(t, testdocker.Options{})
	home := t.TempDir()
	docker := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), "docker", args...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "DOCKER_HOST=" + daemon.Host}
		return cmd.CombinedOutput()
	}
	for _, test := range []struct {
		name, attributes string
		readable         bool
	}{
		{"zstd", "", false},
		{"gzip", ",compression=gzip", true},
		{"estargz", ",compression=estargz", true},
		{"docker", ",compression=gzip,oci-mediatypes=false", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			cache := reg.ref("cache-" + test.name)
			newMachine(t).build(reg.ref("app-"+test.name), "--builder", builder, "--path", app.dir, "--publish", "--cache-required",
				"--export-cache", "type=registry,ref="+cache+test.attributes)
			out, err := docker("pull", cache)
			if (err == nil) != test.readable {
				t.Fatalf("docker pull: %v\n%s", err, out)
			}
			if !test.readable {
				return
			}
			out, err = docker("inspect", "--format", `{{json .Config.Labels}}`, cache)
			if err != nil {
				t.Fatalf("docker inspect: %v\n%s", err, out)
			}
			var labels map[string]string
			var metadata lifecycleplatform.CacheMetadata
			if err := json.Unmarshal(out, &labels); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(labels[layers.MetadataLabel]), &metadata); err != nil {
				t.Fatal(err)
			}
			if want := reg.cache(t, cache).metadata; !cmp.Equal(want, metadata) {
				t.Errorf("metadata (-registry +docker):\n%s", cmp.Diff(want, metadata))
			}
		})
	}
}
