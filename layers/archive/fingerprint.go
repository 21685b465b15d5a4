package archive

import (
	"os"
	"slices"
	"time"

	"github.com/pack-cache/pack-cache/internal/posix"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// Fingerprint is what a layer looked like just after its restore. It tells,
// mostly without reading a file, whether the layer is still the same.
//
// Extended attributes are not part of it, nor of archives: the lifecycle does
// not keep them.
type Fingerprint struct {
	// Dir is the layer's directory below the layers directory.
	Dir string
	// DiffID is the digest of the archive that the layer came from, Origin says
	// which blob of which store that was in.
	DiffID, Origin string
	// The rest of what a launch layer's diffID depends on: the form of the
	// archive, the directories above the layer, and the entries' owner.
	normalized bool
	parents    []parentEntry
	uniform    bool
	uid, gid   int

	// Key is that of all evidence.
	Key     blob.Key
	records []record
	// Frames are those of the blob that were kept, under the same key.
	Frames []blob.Frame
}

// record is one entry of a fingerprint.
type record struct {
	entry
	link     string        // of symbolic links
	evidence blob.Evidence // of regular files
}

// Complete fills in what is known of a layer that has just been unpacked, and
// whose open directory is root. Nothing may have touched it since.
func (f *Fingerprint) Complete(root *os.File, tree *Unpacked) error {
	var st posix.Stat_t
	if err := posix.Fstat(int(root.Fd()), &st); err != nil {
		return &os.PathError{Op: "stat", Path: f.Dir, Err: err}
	}
	tree.records[0].entry = entryOf("", &st)
	f.normalized, f.parents = tree.normalized, tree.parents
	f.uniform, f.uid, f.gid = tree.uniform, tree.uid, tree.gid
	f.records = tree.records
	return nil
}

// clock is the time of the fingerprint as the file system's own clock had it.
// The last thing that a restore does is to set the mode of the layer's
// directory.
func (f *Fingerprint) clock() posix.Timespec { return f.records[0].ctime }

// doubtful reports whether an entry might change without its ctime changing:
// that is possible within the clock tick in which the fingerprint was taken.
// Ticks are 10 ms at most, and one or two seconds on file systems that keep no
// fractions.
func (f *Fingerprint) doubtful(r *record) bool {
	tick := 20 * time.Millisecond
	if r.ctime.Nsec == 0 {
		tick = 2 * time.Second
	}
	return nanoseconds(r.ctime) >= nanoseconds(f.clock())-int64(tick)
}

func nanoseconds(t posix.Timespec) int64 { return t.Nano() }

// Fits reports whether the archive that the fingerprint was taken of is of the
// given form, where the diffID depends on it. Any form that keeps times fits: only
// a launch layer's diffID has to be the app layer's.
func (f *Fingerprint) Fits(form Form) (bool, error) {
	if !form.Normalized {
		return true, nil
	}
	if !f.normalized || !f.uniform || f.uid != form.UID || f.gid != form.GID {
		return false, nil
	}
	headers, err := form.parents()
	if err != nil {
		return false, err
	}
	now := make([]parentEntry, 0, len(headers))
	for _, h := range headers {
		now = append(now, parentEntryOf(h))
	}
	return slices.Equal(f.parents, now), nil
}
