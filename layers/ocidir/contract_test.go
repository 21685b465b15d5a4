package ocidir

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/storetest"
)

// ordinary is who tests what root may not be kept from.
const ordinary = 65534

func TestContract(t *testing.T) {
	t.Parallel()
	options := storetest.Options{Reopen: again, Large: 8 << 20, Damage: damage, Compares: true}
	if os.Geteuid() != 0 {
		options.ReadOnly, options.Denied = withMode(0o555), withMode(0)
	}
	storetest.Run(t, func(t *testing.T) layers.Store {
		return New(Config{Dir: filepath.Join(t.TempDir(), "made", "when", "needed")})
	}, options)
}

// TestContractAsOrdinaryUser runs the contract again as somebody whom a mode can
// keep out.
func TestContractAsOrdinaryUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // TestContract has done it
	}
	dir, err := os.MkdirTemp("", "pack-cache-ocidir-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, ordinary, ordinary); err != nil {
		t.Fatal(err)
	}
	program := copyProgram(t, dir)
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestContract$", "-test.v")
	cmd.Dir = dir
	cmd.Env = []string{"TMPDIR=" + dir, "HOME=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ordinary, Gid: ordinary}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func copyProgram(t *testing.T, dir string) string {
	t.Helper()
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(filepath.Join(dir, "ocidir.test"), os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return to.Name()
}

// again opens a store once more, for the one whom the directories belong to.
func again(t *testing.T, s layers.Store) layers.Store {
	if os.Geteuid() != 0 {
		setModes(t, s, 0o755, ".", "blobs", "blobs/sha256")
	}
	return New(Config{Dir: s.String()})
}

// damage changes a file of the directory.
func damage(t *testing.T, s layers.Store, at storetest.Part, do func([]byte) []byte) bool {
	path := filepath.Join(s.String(), blobPath(at.Digest))
	storetest.DamageFile(t, path, do)
	return true
}

// withMode opens a store once more after its directories have got a mode.
func withMode(mode os.FileMode) func(*testing.T, layers.Store) layers.Store {
	return func(t *testing.T, s layers.Store) layers.Store {
		setModes(t, s, mode, "blobs/sha256", "blobs", ".")
		t.Cleanup(func() { again(t, s) })
		return New(Config{Dir: s.String()})
	}
}

func setModes(t *testing.T, s layers.Store, mode os.FileMode, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		if err := os.Chmod(filepath.Join(s.String(), dir), mode); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
}
