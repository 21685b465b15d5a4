package bounds

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/pack-cache/pack-cache/internal/posix"
)

// The bounds of one archive of files, such as a layer.
const (
	// MaxEntries is how many entries it may have. Each takes some hundred bytes of
	// memory and an inode. The largest layers known, of node_modules, have a quarter
	// of a million.
	MaxEntries = 1 << 20
	// MaxPathDepth is how deep directories may nest: one descriptor is open for each
	// level.
	MaxPathDepth = 256
	// MaxPath is how long a path may be in bytes; the system takes no longer ones
	// (PATH_MAX).
	MaxPath = 4095
	// MaxRatio is how many times as large as a blob the archive in it may be if
	// nothing says how large it is. Deflate cannot do more (1032 to 1: a match of 258
	// bytes in two bits). zstd can, and what pack-cache writes in zstd says its size.
	MaxRatio = 1032
	// minArchive is what every blob may decode to, however small it is: a few files
	// of zeros do no harm.
	minArchive = 64 << 20
	// MaxWindow is the window that a zstd stream may ask for, and so the memory of
	// its decoder. It is what `zstd --ultra -22` needs; the format allows 2 GiB and
	// more (RFC 8878, 3.1.1.1.2).
	MaxWindow = 128 << 20
	// MaxSparse is how large the sparse files of an archive may be together, those
	// whose holes it does not have: their sizes are mere claims, but holes have to be
	// read.
	MaxSparse = 64 << 30

	// MaxBuildpack is how many bytes of one buildpack from outside the builder are
	// downloaded, and how many it has unpacked. Offline buildpacks of several
	// runtimes have about 2 GB.
	MaxBuildpack = 4 << 30

	// roomStep and entriesStep are how much is unpacked between two looks at the
	// room that is left.
	roomStep, entriesStep = 32 << 20, 4096
)

// Archive is the bound of one archive while it is unpacked. One goroutine may count
// bytes while another counts entries. A nil Archive has no bound.
type Archive struct {
	limit   int64
	excess  string // what to say of more than limit
	dir     string
	decoded int64
	entries int
	// lookAt and lookAfter are the bytes and entries at which the room is looked at
	// next.
	lookAt    int64
	lookAfter int
}

// NewArchive returns the bound of the archive in a blob of so many bytes.
// announced is the size of the archive in bytes if the blob is said to have one,
// else negative. It will be unpacked below dir; "" says that it will not be
// unpacked. The error is an *Error if it cannot be right, or a *RoomError.
func NewArchive(blob, announced int64, dir string) (*Archive, error) {
	a := &Archive{dir: dir, limit: announced}
	largest := int64(math.MaxInt64)
	if blob <= (math.MaxInt64-minArchive)/MaxRatio {
		largest = max(MaxRatio*blob, minArchive)
	}
	room := int64(math.MaxInt64)
	if dir != "" {
		if room = Room(dir); room <= 0 {
			return nil, &RoomError{}
		}
	}
	if announced < 0 {
		a.limit = largest
		a.excess = fmt.Sprintf("the archive has more than %d bytes, what is stored has %d, and nothing says how large it is", largest, blob)
		return a, nil
	}
	a.excess = fmt.Sprintf("the archive has more than the %d bytes that are announced", announced)
	if announced > largest && announced > room {
		return nil, &Error{fmt.Sprintf("it announces an archive of %d bytes: there is room for %d, and the blob has %d", announced, room, blob)}
	}
	return a, nil
}

// Decoded counts n more bytes of the archive, before they are written anywhere.
// The error is an *Error if that is over the bound, or a *RoomError when all room
// but the reserve is taken.
func (a *Archive) Decoded(n int64) error {
	if a == nil {
		return nil
	}
	if n > a.limit-a.decoded {
		return &Error{a.excess}
	}
	if a.decoded += n; a.decoded < a.lookAt {
		return nil
	}
	a.lookAt = a.decoded + roomStep
	return a.look()
}

// Reader reads what is decoded, and counts it.
func (a *Archive) Reader(decoded io.Reader) io.Reader { return &counted{decoded, a} }

type counted struct {
	io.Reader
	by *Archive
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if over := c.by.Decoded(int64(n)); over != nil {
		return 0, over
	}
	return n, err
}

// Entry counts one more entry with a name.
func (a *Archive) Entry(name string) error {
	if a == nil {
		return nil
	}
	if a.entries++; a.entries > MaxEntries {
		return &Error{fmt.Sprintf("there are more than %d entries", MaxEntries)}
	}
	if len(name) > MaxPath || strings.Count(name, "/") > MaxPathDepth {
		return &Error{fmt.Sprintf("its path has more than %d bytes or %d levels", MaxPath, MaxPathDepth)}
	}
	if a.entries < a.lookAfter {
		return nil
	}
	a.lookAfter = a.entries + entriesStep
	return a.look()
}

// look looks whether there is room.
func (a *Archive) look() error {
	if a.dir != "" && Room(a.dir) <= 0 {
		return &RoomError{}
	}
	return nil
}

// RoomError says that a file system has no more room than the reserve.
type RoomError struct{}

// Error implements error.
func (*RoomError) Error() string { return "only the reserved room is left" }

// Is makes errors.Is(err, posix.ENOSPC) true: it is a file system that is full.
func (*RoomError) Is(target error) bool { return target == error(posix.ENOSPC) }

// unlimited is the room where nothing is known of it.
const unlimited = math.MaxInt64
