package docker

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// initProgram compiles the program that containers start with: the test itself
// is not statically linked when it is looked at for races.
func initProgram(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "init")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "./testdata/init")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("compiling the program for containers: %v\n%s", err, out)
	}
	return path
}
