package sandbox

import (
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// Memory is for volumes only where there is plenty of it: a build that is killed
// because memory runs out, or fails because room does, would have worked on disk.
const (
	// Volumes go to memory only if the file system has roomFactor times the expected
	// size free, and the machine memoryFactor times that plus spareMemory. The reserve
	// covers what buildpacks write and the memory that their programs use.
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
	memory, _ := bounds.Memory("/")
	return (int64(s.Bavail)*s.Bsize-spareRoom)/roomFactor >= expected && (memory-spareMemory)/memoryFactor >= expected
}
