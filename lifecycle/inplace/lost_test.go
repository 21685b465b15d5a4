package inplace

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
)

// TestLostKeeper kills a keeper whose phase has started a process that outlives
// both and holds their streams. Nobody waits for that process.
func TestLostKeeper(t *testing.T) {
	if os.Getenv(rerunEnv) == "" {
		t.Parallel()
		rerun(t, "inplace", asUser, enginetest.Builder(t), "^TestLostKeeper$")
		return
	}
	user := lifecycle.User{UID: testUID, GID: testGID}
	place, err := New(Config{Executable: enginetest.Program(t)}).Open(t.Context(), lifecycle.PlaceSpec{
		Builder: empty.Image, User: user, Volumes: lifecycle.Volumes(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer place.Close()
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := place.Run(t.Context(), lifecycle.Phase{
			Mounts: []lifecycle.Mount{{Volume: lifecycle.VolumeLayers, Target: lifecycle.LayersDir}},
			Name:   lifecycle.Build, Root: lifecycle.BuilderRoot, User: user, Dir: "/", Network: lifecycle.NetworkHost,
			Args: []string{"/cnb/lifecycle/tool", "orphan", "/layers/ticks", "stay"},
		}, lifecycle.Streams{Stdout: write, Stderr: write})
		write.Close()
		ended <- err
	}()
	said := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(read, said); err != nil || string(said) != "ready\n" {
		t.Fatalf("%q, %v", said, err)
	}
	go func() { _, _ = io.Copy(io.Discard, read) }()
	keepers, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range keepers {
		text, _ := os.ReadFile(path)
		if string(text) != marker+"\x00"+keeperProcess+"\x00" {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err := unix.Kill(pid, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "was lost") {
		t.Errorf("got %v", err)
	}
}
