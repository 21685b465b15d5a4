package bounds

import "golang.org/x/sys/unix"

// The reserve is what unpacking leaves to everybody else: a part of the file
// system, but not more than maxReserve, which is what buildpacks and a running
// machine need to go on. reserveMemory is that of memory.
const (
	reservePart   = 32
	maxReserve    = 1 << 30
	reserveMemory = 512 << 20
)

// Room is how many bytes may be unpacked to dir: what is free for this user, less
// the reserve, and in memory not more than there is memory. It is 0 where files
// can be made no more, and the largest number where nothing is known.
func Room(dir string) int64 {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return unlimited
	}
	free := int64(s.Bavail)*s.Bsize - min(int64(s.Blocks)*s.Bsize/reservePart, maxReserve)
	if s.Type == unix.TMPFS_MAGIC || s.Type == unix.RAMFS_MAGIC {
		if memory, known := Memory("/"); known {
			free = min(free, memory-reserveMemory)
		}
	}
	if s.Files > 0 && s.Ffree <= s.Files/1024 {
		return 0
	}
	return max(free, 0)
}
