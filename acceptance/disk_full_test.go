package acceptance

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestDiskFull builds where there is too little room. The message names the
// directory; nothing is left in it, and nothing changes in the registry.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	args := func(app *app) []string {
		return []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--cache-image", reg.ref("cache"), "--publish", "--on-disk"}
	}
	big := map[string]string{"churn": "deps cache random 1 9000000"}
	newMachine(t).build(args(newApp(t, big, nil))...)
	before := reg.manifests(t)

	for _, test := range []struct {
		name string
		// dir is the directory below HOME that is small, size says how small.
		dir  string
		size string
		app  *app
		code int
		says []string
	}{
		{"making a place", "tmp", "nr_inodes=1", newApp(t, nil, nil), 1, []string{"no space left"}},
		{"unpacking the builder", ".cache", "size=8m", newApp(t, nil, nil), 1, []string{"unpacking the builder", "no space left"}},
		{"copying the source", "tmp", "size=4m", newApp(t, nil, map[string]string{"large": strings.Repeat("x", 5<<20)}), 1, []string{"large", "no space left"}},
		{"restoring", "tmp", "size=7m", newApp(t, big, nil), 51, []string{"Warning: ", "samples/churn:deps", "no space left", "a buildpack failed"}},
		{"building", "tmp", "size=16m", newApp(t, map[string]string{"build-fill": "100"}, nil), 51, []string{"No space left", "ERROR: there was no room left, and a buildpack failed"}},
		{"building, and removed", "tmp", "size=16m", newApp(t, map[string]string{"build-run": "cat /dev/zero > large; rm large", "build-exit": "1"}, nil), 51, []string{"No space left", "ERROR: there was no room left, and a buildpack failed"}},
		{"building, many files", "tmp", "size=100m,nr_inodes=2000", newApp(t, map[string]string{"build-run": "mkdir many; cd many; seq 3000 | xargs touch 2>&1 | tail -1; rm -r ../many", "build-exit": "1"}, nil), 51, []string{"No space left", "ERROR: there was no room left, and a buildpack failed"}},
		{"exporting", "tmp", "size=16m", newApp(t, map[string]string{"churn": "deps launch random 1 9000000"}, nil), 62, []string{"export: ", "no space left"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			machine := newMachine(t)
			dir := filepath.Join(machine.home, test.dir)
			out := machine.runIn(dir, test.size, append([]string{"build"}, args(test.app)...)...)
			if testing.Verbose() {
				t.Log(out.stderr)
			}
			out.wantCode(t, test.code)
			out.wantStderr(t, append(test.says, "make room on the file system of "+dir)...)
			machine.wantNothingLeft()
			if diff := cmp.Diff(before, reg.manifests(t)); diff != "" {
				t.Errorf("the registry has changed (-before +after):\n%s", diff)
			}
		})
	}
}

// smallDisk runs the command "$@" with a small file system on $DIR and says in
// $LEFT what was left there. Nobody else can see the file system.
const smallDisk = `
mount --make-rprivate / && mount -t tmpfs -o mode=1777,"$SIZE" small "$DIR" || exit 99
env -u DIR -u SIZE -u LEFT "$@"
code=$?
# A build that succeeded has a process remove its files after its end.
for _ in $(seq 100); do [ -z "$(ls -A "$DIR")" ] && break; sleep 0.1; done
ls -A "$DIR" > "$LEFT"
exit "$code"
`

// runIn runs pack-cache with a directory that has room for so many MB.
func (m *machine) runIn(dir, size string, args ...string) outcome {
	m.t.Helper()
	left := filepath.Join(m.t.TempDir(), "left")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		m.t.Fatal(err)
	}
	inner := m.command(m.t.Context(), args...)
	cmd := exec.CommandContext(m.t.Context(), "sh", append([]string{"-c", smallDisk, "sh"}, inner.Args...)...)
	cmd.Env = append(inner.Env, "DIR="+dir, "SIZE="+size, "LEFT="+left)
	cmd.Dir = inner.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	var stdout, stderr watched
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // the exit code is the outcome's
	remains, err := os.ReadFile(left)
	if err != nil {
		m.t.Fatalf("%v: %s", err, stderr.String())
	}
	for name := range strings.Lines(string(remains)) {
		if name != "pack-cache\n" { // unpacked builders may stay
			m.t.Errorf("left in %s: %s", dir, name)
		}
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// TestHomeFull has no room for the unpacked builder, while the build's own files
// are in memory: to build again on disk would be of no use.
func TestHomeFull(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	machine := newMachine(t)
	dir := filepath.Join(machine.home, ".cache")
	out := machine.runIn(dir, "size=8m", "build", reg.ref("app"), "--builder", builder, "--path", newApp(t, nil, nil).dir, "--publish")
	out.wantCode(t, 1)
	out.wantStderr(t, "no space left", "make room on the file system of "+dir)
	out.wantNoStderr(t, "did not fit into memory")
	if strings.Count(out.stderr, "Fetching builder") > 1 {
		t.Error("it was tried again")
	}
}

// TestDaemonFull has buildpacks on daemons say that there is no room left, as they do
// when the daemon's disk is full.
func TestDaemonFull(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"build-run": "cat /dev/zero > /dev/full", "build-exit": "1"}, nil)
	for _, on := range daemonGrounds(t) {
		t.Run(on.name, func(t *testing.T) {
			t.Parallel()
			out := on.machine(t).run("build", reg.ref("app-"+on.name), "--builder", builder, "--path", app.dir, "--publish")
			out.wantCode(t, 51)
			out.wantStderr(t, "ERROR: there was no room left, and a buildpack failed", "HINT: make room where the daemon keeps its images and volumes")
		})
	}
}
