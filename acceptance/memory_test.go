package acceptance

import (
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestInMemory builds where there is plenty of memory: the files of a build whose
// cache is known are there, those of a cold one and with --on-disk are not, and
// nothing is left. When memory gets full, the build goes to the disk.
func TestInMemory(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"churn": "deps cache random 1 3000000"}, nil)
	args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--cache-image", reg.ref("cache"), "--publish"}
	build := func(size string, more ...string) outcome {
		t.Helper()
		machine := newMachine(t)
		out := machine.runIn("/dev/shm", size, append(append([]string{"build"}, args...), more...)...)
		out.wantCode(t, 0)
		machine.wantNothingLeft()
		return out
	}
	const again = "building again on disk"
	// With room for a few files only, a build that tried memory would say so.
	if out := build("nr_inodes=1"); strings.Contains(out.stderr, again) {
		t.Errorf("a cold build was in memory:\n%s", out.stderr)
	}
	if out := build("size=64g,nr_inodes=25", "--on-disk"); strings.Contains(out.stderr, again) {
		t.Errorf("a build was in memory with --on-disk:\n%s", out.stderr)
	}
	if out := build("size=2000m,nr_inodes=25"); strings.Contains(out.stderr, again) {
		t.Errorf("a build was in a small memory:\n%s", out.stderr)
	}
	if out := build("size=64g"); strings.Contains(out.stderr, again) || !strings.Contains(out.stderr, "6 of 6 layers restored") {
		t.Errorf("a build in memory:\n%s", out.stderr)
	}
	out := build("size=64g,nr_inodes=25")
	out.wantStderr(t, again, "6 of 6 layers restored")
}
