package acceptance

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestBuilderStoreDamaged damages what is unpacked of a builder. The next build
// unpacks it again and says so.
func TestBuilderStoreDamaged(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	m := newMachine(t)
	app := newApp(t, nil, nil)
	args := []string{"build", reg.ref("app"), "--builder", builder, "--trust-builder", "--path", app.dir, "--publish", "--engine", "sandbox"}
	m.run(args...).wantCode(t, 0)
	damages := map[string]func(path string) error{
		"emptied": func(path string) error {
			entries, err := os.ReadDir(path)
			for _, entry := range entries {
				err = os.RemoveAll(filepath.Join(path, entry.Name()))
			}
			return err
		},
		"removed": os.RemoveAll,
		"truncated": func(path string) error {
			return filepath.WalkDir(path, func(file string, entry os.DirEntry, err error) error {
				if err == nil && entry.Type().IsRegular() {
					return os.Truncate(file, 0)
				}
				return err
			})
		},
	}
	for name, damage := range damages {
		layers, err := filepath.Glob(filepath.Join(m.home, ".cache/pack-cache/builders/*/*-????????"))
		if err != nil || len(layers) == 0 {
			t.Fatalf("no unpacked layers: %v", err)
		}
		for _, layer := range layers {
			if err := damage(layer); err != nil {
				t.Fatal(err)
			}
		}
		out := m.run(args...)
		out.wantCode(t, 0)
		if name != "removed" {
			out.wantStderr(t, "Unpacking a part of the builder again: ")
		}
		m.run(args...).wantNoStderr(t, "again: ")
	}
}

// TestHomeReadOnly builds with a HOME that cannot be written to.
func TestHomeReadOnly(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount here")
	}
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	m := newMachine(t)
	app := newApp(t, nil, nil)
	args := []string{"build", reg.ref("app"), "--builder", builder, "--trust-builder", "--path", app.dir, "--publish", "--engine", "sandbox"}
	readOnly := func() outcome {
		t.Helper()
		cmd := m.command(t.Context(), args...)
		cache := filepath.Join(m.home, ".cache")
		mount := `mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"`
		inside := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", mount, "sh", cache}, cmd.Args...)...)
		inside.Env, inside.Dir, inside.SysProcAttr = cmd.Env, cmd.Dir, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
		var stdout, stderr strings.Builder
		inside.Stdout, inside.Stderr = &stdout, &stderr
		if err := inside.Run(); err != nil {
			t.Fatalf("%v\n%s", err, stderr.String())
		}
		return outcome{stdout.String(), stderr.String(), 0}
	}
	if err := os.MkdirAll(filepath.Join(m.home, ".cache"), 0o755); err != nil {
		t.Fatal(err)
	}
	readOnly().wantStderr(t, "because no store for the next build can be made", "Fetching builder")
	m.run(args...).wantCode(t, 0) // fills the store
	readOnly().wantStderr(t, "cannot be written to", "Builder layers already unpacked")
}

// TestProbesGo kills builds while they try what the machine can do: the next build
// leaves nothing of them.
func TestProbesGo(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	m := newMachine(t)
	app := newApp(t, nil, nil)
	args := []string{"build", reg.ref("app"), "--builder", builder, "--trust-builder", "--path", app.dir, "--publish", "--engine", "sandbox"}
	probes := func() []string {
		found, _ := filepath.Glob(filepath.Join(m.home, "tmp", "pack-cache-probe-*", "claim"))
		return found
	}
	left := 0
	for range 5 {
		r := m.start(args...)
		r.await("a probe", func() bool { return len(probes()) > left })
		if err := r.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-r.ended
		time.Sleep(50 * time.Millisecond) // its children end with it
		left = len(probes())
	}
	m.run(args...).wantCode(t, 0)
	if found, _ := filepath.Glob(filepath.Join(m.home, "tmp", "pack-cache-probe-*")); len(found) > 0 {
		t.Errorf("left behind: %q", found)
	}
	if found, _ := filepath.Glob(filepath.Join(m.home, ".cache/pack-cache/builders/.probe-*")); len(found) > 0 {
		t.Errorf("left behind in the store: %q", found)
	}
}
