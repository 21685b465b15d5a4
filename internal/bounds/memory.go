package bounds

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Memory is how many bytes of memory this process can have without anybody being
// short of it, and whether that is known. root is the root directory.
func Memory(root string) (available int64, known bool) {
	available, known = field(filepath.Join(root, "proc/meminfo"), "MemAvailable:")
	available <<= 10
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
	return max(available, 0), known
}

// number is what a file of a cgroup says; "max" is no number.
func number(path string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(read(path)), 10, 64)
	return n, err == nil && n < math.MaxInt64/2
}

// field is the number behind a name in a file of lines, and whether it is there.
func field(path, name string) (int64, bool) {
	for line := range strings.Lines(read(path)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, err := strconv.ParseInt(strings.Fields(rest + " 0")[0], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

func read(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(content)
}
