package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testwait"
	"github.com/pack-cache/pack-cache/platform"
)

// machine is a computer that has never seen the project: an empty HOME, and
// nothing in the environment but what is listed here.
type machine struct {
	t    *testing.T
	home string
	// env is added to the environment of every command, as KEY=VALUE.
	env []string
	// flags are added to every build.
	flags []string
	// uid is the user who runs commands, 0 for the one who runs the tests.
	uid int
	// written are the files that the test wrote.
	written []string
	// inherited are files that every command gets, open from descriptor 3 on.
	inherited []*os.File
	// container is what commands run in, nil for this machine.
	container *container
}

func newMachine(t *testing.T, env ...string) *machine {
	t.Helper()
	return &machine{t: t, home: openDir(t), env: env}
}

// ordinary makes an ordinary user work on the machine, if that is not so
// anyway.
func (m *machine) ordinary() *machine {
	if os.Getuid() == 0 {
		m.uid = 4242
		m.own(m.home)
	}
	return m
}

// own gives a file to the user of the machine.
func (m *machine) own(path string) {
	m.t.Helper()
	if m.uid == 0 {
		return
	}
	if err := os.Chown(path, m.uid, m.uid); err != nil {
		m.t.Fatal(err)
	}
}

// write writes a file below HOME, which is the machine's user's alone.
func (m *machine) write(path, content string, mode os.FileMode) {
	m.t.Helper()
	for dir := filepath.Dir(path); dir != "."; dir = filepath.Dir(dir) {
		if err := os.MkdirAll(filepath.Join(m.home, dir), 0o755); err != nil {
			m.t.Fatal(err)
		}
		m.own(filepath.Join(m.home, dir))
	}
	path = filepath.Join(m.home, path)
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		m.t.Fatal(err)
	}
	m.own(path)
	m.written = append(m.written, path)
}

// openDir returns an empty directory that other users may enter, too, unlike
// those of t.TempDir. It is removed when the test ends.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pack-cache-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// What a build has left may be being removed by a process of pack-cache's.
		testwait.Eventually(t, dir+" cannot be removed", func() bool { return os.RemoveAll(dir) == nil })
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// outcome is what a command did.
type outcome struct {
	stdout, stderr string
	code           int
}

// command prepares pack-cache with the given arguments.
func (m *machine) command(ctx context.Context, args ...string) *exec.Cmd {
	if args[0] == "build" {
		args = slices.Concat(args, m.flags)
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	if m.container != nil {
		return m.container.command(ctx, m, args)
	}
	tmp := filepath.Join(m.home, "tmp")
	if err := os.MkdirAll(tmp, 0o777); err != nil {
		m.t.Fatal(err)
	}
	m.own(tmp)
	cmd.Env = append([]string{"HOME=" + m.home, "TMPDIR=" + tmp, "PATH=" + os.Getenv("PATH")}, m.env...)
	cmd.Dir = m.home
	cmd.ExtraFiles = m.inherited
	cmd.SysProcAttr = m.credential()
	return cmd
}

// credential makes a process that of the machine's user.
func (m *machine) credential() *syscall.SysProcAttr {
	if m.uid == 0 {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(m.uid), Gid: uint32(m.uid)}}
}

// run runs pack-cache and returns what it did, whatever that was.
func (m *machine) run(args ...string) outcome {
	m.t.Helper()
	cmd := m.command(m.t.Context(), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		m.t.Fatalf("start pack-cache: %v", err)
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// build runs `pack-cache build` with --output json and returns its result; the
// test fails if the build does.
func (m *machine) build(args ...string) (*platform.Result, outcome) {
	m.t.Helper()
	out := m.run(append([]string{"build", "--output", "json"}, args...)...)
	out.wantCode(m.t, 0)
	var result platform.Result
	if err := json.Unmarshal([]byte(out.stdout), &result); err != nil {
		m.t.Fatalf("standard output is not one JSON value: %v\n%s", err, out.stdout)
	}
	return &result, out
}

// trust adds a builder to the machine's trusted builders.
func (m *machine) trust(builder string) {
	m.t.Helper()
	m.run("config", "trusted-builders", "add", builder).wantCode(m.t, 0)
}

func (o outcome) wantCode(t *testing.T, code int) {
	t.Helper()
	if o.code != code {
		t.Fatalf("exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", o.code, code, o.stdout, o.stderr)
	}
}

// wantStderr fails unless every one of the given strings is in the log.
func (o outcome) wantStderr(t *testing.T, all ...string) {
	t.Helper()
	wantLines(t, o.stderr, all...)
}

// wantNoStderr fails if one of the given strings is in the log.
func (o outcome) wantNoStderr(t *testing.T, none ...string) {
	t.Helper()
	wantNoLines(t, o.stderr, none...)
}

// layerOf returns what became of one layer, by its name such as "acme/flags:c".
func layerOf(t *testing.T, result *platform.Result, id string) platform.LayerResult {
	t.Helper()
	for _, layer := range result.Layers {
		if layer.Layer == id {
			return layer
		}
	}
	t.Fatalf("the result does not mention layer %s: %+v", id, result.Layers)
	return platform.LayerResult{}
}
