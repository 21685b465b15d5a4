package sandbox

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"

	"github.com/pack-cache/pack-cache/internal/test/testwait"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
)

// TestKilled kills pack-cache while a phase with an orphan runs. Nobody can
// clean up after that, so the kernel has to have taken everything along.
func TestKilled(t *testing.T) {
	victim := rerunCommand(t, circumstances{kind: rerunVictim, uid: os.Geteuid(), gid: os.Getegid()})
	stdout, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	victim.Stderr = os.Stderr
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	if !running(t, victimTicks(victim.Dir)) {
		t.Fatal("no phase runs")
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // it was killed
	testwait.Eventually(t, "the phase still runs", func() bool { return !running(t, victimTicks(victim.Dir)) })
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), victim.Dir) {
		t.Error("a mount is left")
	}
}

// victimTicks is where the victim's orphan writes, in its root. The name tells
// the processes of the phase from those of any other.
func victimTicks(dir string) string { return "/tmp/" + filepath.Base(filepath.Dir(dir)) }

// running tells whether a process has text in its arguments.
func running(t *testing.T, text string) bool {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range processes {
		if data, err := os.ReadFile(path); err == nil && strings.Contains(string(data), text) {
			return true
		}
	}
	return false
}

// beVictim runs a phase that leaves an orphan and does not end.
func beVictim() error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	e := New(Config{Executable: os.Getenv(enginetest.ProgramEnv)})
	place, err := e.Open(context.Background(), lifecycle.PlaceSpec{Builder: empty.Image, User: lifecycle.User{UID: 1001, GID: 1001}})
	if err != nil {
		return err
	}
	defer place.Close()
	return place.Run(context.Background(), lifecycle.Phase{
		Name: lifecycle.Build, Root: lifecycle.OwnRoot, User: lifecycle.User{UID: 1001, GID: 1001},
		Args: []string{"orphan", victimTicks(dir), "stay"},
		Dir:  "/", Network: lifecycle.NetworkNone,
	}, lifecycle.Streams{Stdout: os.Stdout, Stderr: os.Stderr})
}
