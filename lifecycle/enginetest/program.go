package enginetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// ProgramEnv names an environment variable with the path of a compiled probe,
// for users that cannot compile it themselves.
const ProgramEnv = "PACK_CACHE_PROBE"

// compiled is the one probe of a test process.
var compiled = sync.OnceValues(compile)

// Program returns the path of the compiled probe, a static executable.
func Program(t testing.TB) string {
	t.Helper()
	path, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// compile builds the probe into a directory of this user's that stays: no test
// outlives all others. Several test processes may do so at the same time.
func compile() (string, error) {
	if path := os.Getenv(ProgramEnv); path != "" {
		return path, nil
	}
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("pack-cache-enginetest-%d", os.Geteuid()))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || !info.IsDir() || int(owner.Uid) != os.Geteuid() {
		return "", fmt.Errorf("%s is not a directory of this user's", dir)
	}
	path := filepath.Join(dir, "probe")
	fresh := fmt.Sprintf("%s-%d", path, os.Getpid())
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", fresh,
		"github.com/pack-cache/pack-cache/lifecycle/enginetest/probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compiling the probe: %w\n%s", err, out)
	}
	return path, os.Rename(fresh, path)
}
