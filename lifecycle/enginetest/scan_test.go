package enginetest

import (
	"encoding/hex"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

// TestScan makes sure that the probe finds a secret where nothing hinders it:
// otherwise finding none would prove nothing.
func TestScan(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("x"+secret), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	serve(t, filepath.Join(dir, "socket"))
	open, err := os.Open(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	unlinked := filepath.Join(dir, "unlinked")
	if err := os.Rename(open.Name(), unlinked); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(unlinked); err != nil {
		t.Fatal(err)
	}
	other := exec.Command(Program(t), "wait", "stubborn", secret)
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()

	probe := exec.Command(Program(t), "scan", hex.EncodeToString([]byte(secret)), dir)
	probe.Env = []string{"SECRET=" + secret}
	probe.ExtraFiles = []*os.File{open}
	out, err := probe.Output()
	if err != nil {
		t.Fatal(err)
	}
	var where []string
	for _, finding := range decode[[]report.Finding](t, string(out)) {
		where = append(where, finding.Where)
	}
	for name, found := range map[string]func(string) bool{
		"the environment":      func(w string) bool { return w == "own environment" },
		"a file":               func(w string) bool { return w == filepath.Join(dir, "file") },
		"a link's target":      func(w string) bool { return w == filepath.Join(dir, "link") },
		"a socket":             func(w string) bool { return w == "socket "+filepath.Join(dir, "socket") },
		"a descriptor":         func(w string) bool { return w == "/proc/self/fd/3" },
		"another's arguments":  func(w string) bool { return strings.HasSuffix(w, "/cmdline") },
		"another's privileges": func(w string) bool { return strings.HasSuffix(w, "/mem") },
	} {
		if !slices.ContainsFunc(where, found) {
			t.Errorf("the scan missed %s: %v", name, where)
		}
	}
	if _, err := net.Dial("unix", filepath.Join(dir, "socket")); err != nil {
		t.Error(err)
	}
}
