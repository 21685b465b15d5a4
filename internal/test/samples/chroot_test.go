package samples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// tree is an image unpacked on disk, in which programs can be run.
type tree struct {
	dir string
	// inherited is a file that programs get as descriptor 3, or nil.
	inherited *os.File
}

// run runs a program inside the tree as user 1000 and returns its output. It
// works for root and, where the kernel lets them, for ordinary users.
func (r tree) run(t *testing.T, env []string, command ...string) (string, error) {
	t.Helper()
	const script = `set -e; root=$1; shift
mount -t tmpfs -o mode=755 dev "$root/dev"
for device in null zero random urandom; do
	touch "$root/dev/$device"
	mount --bind "/dev/$device" "$root/dev/$device"
done
mount -t proc proc "$root/proc"
exec chroot "$root" "$@"`
	cmd := exec.CommandContext(t.Context(), "unshare", slices.Concat([]string{
		"--user", "--map-user=1000", "--map-group=1000", "--keep-caps", "--mount", "--pid", "--fork", "--kill-child",
		"sh", "-c", script, "sh", r.dir,
		"env", "-i", "HOME=/home/cnb", "PATH=/usr/local/bin:/usr/bin:/bin",
	}, env, command)...)
	if r.inherited != nil {
		cmd.ExtraFiles = []*os.File{r.inherited}
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// mustRun is run for what has to succeed.
func (r tree) mustRun(t *testing.T, env []string, command ...string) string {
	t.Helper()
	out, err := r.run(t, env, command...)
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
	return out
}

// write writes a file inside the tree.
func (r tree) write(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read reads a file inside the tree.
func (r tree) read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// phase runs the builder's own detector or builder as a platform would.
func (r tree) phase(t *testing.T, name string, env ...string) (string, error) {
	t.Helper()
	return r.run(t, append(env, "CNB_PLATFORM_API=0.15"), "/cnb/lifecycle/"+name,
		"-app", "/workspace", "-layers", "/layers", "-platform", "/platform", "-no-color")
}

// build runs detect and build, and wants both to succeed.
func (r tree) build(t *testing.T, env ...string) string {
	t.Helper()
	var log strings.Builder
	for _, phase := range []string{"detector", "builder"} {
		out, err := r.phase(t, phase, env...)
		log.WriteString(out)
		if err != nil {
			t.Fatalf("%s: %v\n%s", phase, err, log.String())
		}
	}
	return log.String()
}

// setTime sets a file's modification time to the beginning of a year.
func setTime(t *testing.T, path string, year int) {
	t.Helper()
	when := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(path, when, when); err != nil {
		t.Fatal(err)
	}
}
