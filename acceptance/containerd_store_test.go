package acceptance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/pack-cache/pack-cache/internal/test/testdocker"
	"github.com/pack-cache/pack-cache/internal/test/testran"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

// TestContainerdStore leaves app images in a Docker that keeps images as containerd
// does: cold, warm and changed. They are whole, and the next build finds the one
// before. `make containerd-store` runs it.
func TestContainerdStore(t *testing.T) {
	t.Parallel()
	if os.Getenv("PACK_CACHE_CONTAINERD_STORE") == "" {
		t.Skip("make containerd-store runs it")
	}
	testran.Against(t, testran.Row{
		Subject: "Daemons", Peer: "docker with the containerd image store", By: "make containerd-store",
		Version: testran.Module(t, "dockerd", "github.com/moby/moby/v2"),
		Done:    "app images are left there by the engine sandbox, cold, warm and changed, and are whole; they are not run",
	})
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, map[string]string{"src/a": "a"})
	on := ground{"docker", testdocker.New(t, testdocker.Options{Program: testservers.Find(t, "dockerd")})}
	var info map[string]any
	if err := json.Unmarshal([]byte(on.docker(t, nil, "info", "--format", "{{json .}}")), &info); err != nil {
		t.Fatal(err)
	}
	if status, _ := json.Marshal(info["DriverStatus"]); !strings.Contains(string(status), "io.containerd.snapshotter") {
		t.Fatalf("the daemon keeps images otherwise: %s", status)
	}
	build := func() (string, outcome) {
		m := newMachine(t, "DOCKER_HOST="+on.daemon.Host)
		m.flags = []string{"--engine", "sandbox"}
		result, out := m.build("app", "--builder", builder, "--path", app.dir,
			"--import-cache", reg.ref("cache"), "--export-cache", reg.ref("cache"))
		return result.ID, out
	}
	cold, _ := build()
	warm, out := build()
	out.wantStderr(t, "make: rebuilt 0 of 1", "Reusing layer 'samples/make:result'", "Reused 3/3 app layer(s)")
	if warm != cold {
		t.Errorf("the same build made %s of %s", warm, cold)
	}
	app.write("hello.txt", "changed\n")
	changed, out := build()
	out.wantStderr(t, "Reused 2/3 app layer(s)")
	if changed == cold {
		t.Error("the image has not changed")
	}

	published, _ := newMachine(t).build(reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish")
	file := filepath.Join(openDir(t), "app.tar")
	on.docker(t, nil, "save", "--output", file, "app")
	saved, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	tool(t, installed(t, "skopeo"), "--insecure-policy", "copy", "--quiet", "docker-archive:"+file, "dir:"+t.TempDir()) // checks every layer
	if diff := cmp.Diff(diffIDs(t, reg.image(t, published.Image)), diffIDs(t, saved)); diff != "" {
		t.Errorf("layers (-published +kept):\n%s", diff)
	}
}
