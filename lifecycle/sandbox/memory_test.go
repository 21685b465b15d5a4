package sandbox

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/test/testneeds"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
)

// TestInMemory makes a file system in memory too small, and asks for more than
// there can be.
func TestInMemory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root mounts file systems here; TestPlaceInMemory is for everybody")
	}
	mount := func(options string, flags uintptr) string {
		dir := t.TempDir()
		if err := unix.Mount("tmpfs", dir, "tmpfs", flags, options); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
		return dir
	}
	memory, _ := bounds.Memory("/")
	large := mount("size=64g", 0)
	for _, test := range []struct {
		name     string
		dir      string
		expected int64
		want     bool
	}{
		{"room to spare", large, 1 << 20, memory > spareMemory+memoryFactor<<20},
		{"nothing is known", large, 0, false},
		{"more than the machine has", large, 20 << 30, false},
		{"more than there can be", large, math.MaxInt64 / 8, false},
		{"a small file system", mount("size=64m", 0), 1 << 20, false},
		{"nothing can be executed", mount("size=64g", unix.MS_NOEXEC), 1 << 20, false},
		{"not in memory", "/var", 1 << 20, false},
		{"not there", "/nonexistent", 1 << 20, false},
	} {
		if got := inMemory(test.dir, test.expected); got != test.want {
			t.Errorf("%s: %t, want %t", test.name, got, test.want)
		}
	}
}

// TestPlaceInMemory opens a place that is expected to be small: it is where the
// engine is told that memory is, if there is plenty, and works like any other.
func TestPlaceInMemory(t *testing.T) {
	const shm = "/dev/shm"
	if !inMemory(shm, 1) {
		testneeds.Missing(t, "%s is not there, or there is no memory to spare", shm)
	}
	dir, err := os.MkdirTemp(shm, "pack-cache-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	engine := New(Config{Executable: enginetest.Program(t), StoreDir: t.TempDir(), WorkDir: t.TempDir(), MemoryDir: dir})
	place, err := engine.Open(t.Context(), lifecycle.PlaceSpec{
		Builder: enginetest.Builder(t), User: lifecycle.User{UID: 1001, GID: 1002}, Volumes: []string{"v", "w"}, InMemory: []string{"v"}, Expected: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if facts := place.Facts(); !facts.InMemory || facts.OutOfMemory {
		t.Error("nothing is in memory, or it is said to be full")
	}
	for volume, want := range map[string]int{"v": 1, "w": 0} {
		if found, _ := filepath.Glob(filepath.Join(dir, "*", "volumes", volume)); len(found) != want {
			t.Errorf("volume %s in memory: %v", volume, found)
		}
	}
	if err := place.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v is left in memory", left)
	}
	if err := engine.RemoveStore(t.Context()); err != nil {
		t.Error(err)
	}
}
