package sandbox

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Memory is for volumes only where there is plenty of it: a build that is killed
// for lack of memory, or fails for lack of room, would have worked on disk.
const (
	// roomFactor times what volumes are expected to hold has to be free in the
	// file system, memoryFactor times that on the machine, and spareMemory besides,
	// for what buildpacks add and for the memory that their programs need.
	roomFactor, memoryFactor = 2, 3
	spareRoom, spareMemory   = 2 << 30, 4 << 30
)

// inMemory reports whether dir, a directory of a file system in memory, is the
// place for volumes that are expected to hold so many bytes.
func inMemory(dir string, expected int64) bool {
	if expected <= 0 || unix.Access(dir, unix.W_OK|unix.X_OK) != nil {
		return false
	}
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil || s.Type != unix.TMPFS_MAGIC || s.Flags&(unix.ST_NOEXEC|unix.ST_RDONLY) != 0 {
		return false
	}
	return (int64(s.Bavail)*s.Bsize-spareRoom)/roomFactor >= expected && (availableMemory("/")-spareMemory)/memoryFactor >= expected
}

// availableMemory is how many bytes of memory this process can have without
// anybody being short of it, 0 if that is not known. root is the root directory.
func availableMemory(root string) int64 {
	available := field(filepath.Join(root, "proc/meminfo"), "MemAvailable:") << 10
	cgroups := filepath.Join(root, "sys/fs/cgroup")
	for line := range strings.Lines(read(filepath.Join(root, "proc/self/cgroup"))) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		base, limit, usage := cgroups, "memory.max", "memory.current"
		switch {
		case parts[1] == "":
		case strings.Contains(","+parts[1]+",", ",memory,"):
			base, limit, usage = filepath.Join(cgroups, "memory"), "memory.limit_in_bytes", "memory.usage_in_bytes"
		default:
			continue
		}
		// Every group above has a say. In a container the path can be one of
		// outside, of which nothing can be seen but the root.
		for dir := filepath.Clean("/" + parts[2]); ; dir = filepath.Dir(dir) {
			if most, ok := number(filepath.Join(base, dir, limit)); ok {
				used, _ := number(filepath.Join(base, dir, usage))
				available = min(available, most-used)
			}
			if dir == "/" {
				break
			}
		}
	}
	return max(available, 0)
}

// number is what a file of a cgroup says; "max" is no number.
func number(path string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(read(path)), 10, 64)
	return n, err == nil && n < math.MaxInt64/2
}

// field is the number behind a name in a file of lines.
func field(path, name string) int64 {
	for line := range strings.Lines(read(path)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest + " 0")[0], 10, 64)
			return n
		}
	}
	return 0
}

func read(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(content)
}
