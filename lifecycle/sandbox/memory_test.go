package sandbox

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/testneeds"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
)

// TestAvailableMemory reads what a machine and its control groups say.
func TestAvailableMemory(t *testing.T) {
	t.Parallel()
	const meminfo = "MemTotal:       16000 kB\nMemFree:  1 kB\nMemAvailable:    8000 kB\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"nothing known", nil, 0},
		{"no groups", map[string]string{"proc/meminfo": meminfo}, 8000 << 10},
		{"no limit", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "max\n",
		}, 8000 << 10},
		{"a limit of the group", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "5000000\n", "sys/fs/cgroup/a/b/memory.current": "1000000\n",
		}, 4000000},
		{"a tighter limit above", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "5000000\n", "sys/fs/cgroup/a/b/memory.current": "1000000\n",
			"sys/fs/cgroup/a/memory.max": "6000000\n", "sys/fs/cgroup/a/memory.current": "5500000\n",
		}, 500000},
		{"the root of a container", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/outside\n",
			"sys/fs/cgroup/memory.max": "3000000\n", "sys/fs/cgroup/memory.current": "2000000\n",
		}, 1000000},
		{"groups of old", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "5:cpu:/x\n4:memory,hugetlb:/a\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "5000000\n", "sys/fs/cgroup/memory/a/memory.usage_in_bytes": "1\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, 4999999},
		{"used up", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "3000000\n", "sys/fs/cgroup/memory.current": "3000001\n",
		}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for path, content := range test.files {
				path = filepath.Join(root, path)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got := availableMemory(root); got != test.want {
				t.Errorf("%d bytes, want %d", got, test.want)
			}
		})
	}
	if availableMemory("/") <= 0 {
		t.Error("nothing is known of this machine")
	}
}

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
	large := mount("size=64g", 0)
	for _, test := range []struct {
		name     string
		dir      string
		expected int64
		want     bool
	}{
		{"room to spare", large, 1 << 20, availableMemory("/") > spareMemory+memoryFactor<<20},
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
	if memory := place.(lifecycle.Forgetful); !memory.InMemory() || memory.OutOfMemory() {
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
