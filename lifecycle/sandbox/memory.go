package sandbox

import (
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/bounds"
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
	memory, _ := bounds.Memory("/")
	return (int64(s.Bavail)*s.Bsize-spareRoom)/roomFactor >= expected && (memory-spareMemory)/memoryFactor >= expected
}
