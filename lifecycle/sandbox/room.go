package sandbox

import (
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// room is how many bytes this user can write to dir's file system.
func room(dir string) int64 {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0
	}
	return int64(s.Bavail) * s.Bsize
}

// isFull tells whether next to nothing can be written to dir's file system any
// more.
func isFull(dir string) bool {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return false
	}
	return s.Bavail*uint64(s.Bsize) < 1<<20 || s.Files > 0 && s.Ffree < 16
}

// withRoomHint adds to an error of a place in work what to do when that is
// full.
func withRoomHint(err error, work string) error {
	return hint.With("make room on the file system of "+work+", or name a directory on a larger one in TMPDIR", &lifecycle.NoRoomError{Err: err})
}
