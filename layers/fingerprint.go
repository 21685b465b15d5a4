package layers

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// fingerprint is what a layer looked like just after its restore. It tells,
// mostly without reading a file, whether the layer is still the same.
//
// Extended attributes are not part of it, nor of archives: the lifecycle does
// not keep them.
type fingerprint struct {
	// dir is the layer's directory below the layers directory.
	dir    string
	diffID string
	// origin says which blob of which store the layer came from.
	origin string
	// The rest of what a launch layer's diffID depends on: the form of the
	// archive, the directories above the layer, and the entries' owner.
	normalized bool
	parents    []parentEntry
	uniform    bool
	uid, gid   int

	records []record
}

// record is one entry of a fingerprint.
type record struct {
	entry
	link     string   // of symbolic links
	evidence evidence // of regular files
}

// takeFingerprint looks at a layer that has just been unpacked. Nothing may
// have touched it since.
func takeFingerprint(layersDir, dir string, tree *unpacked) (*fingerprint, error) {
	entries, root, err := listTree(filepath.Join(layersDir, dir))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f := &fingerprint{
		dir: dir, normalized: tree.normalized,
		parents: tree.parents, uniform: tree.uniform, uid: tree.uid, gid: tree.gid,
		records: make([]record, len(entries)),
	}
	for i, e := range entries {
		f.records[i] = record{entry: e, link: tree.links[e.path]}
		if !e.isRegular() {
			continue
		}
		known, ok := tree.evidence[e.path]
		if !ok {
			return nil, fmt.Errorf("%q appeared in %s while it was restored", e.path, dir)
		}
		f.records[i].evidence = known
	}
	return f, nil
}

// clock is the time of the fingerprint as the file system's own clock had it.
// The last thing that a restore does is to set the mode of the layer's
// directory.
func (f *fingerprint) clock() unix.Timespec { return f.records[0].ctime }

// doubtful reports whether an entry might change without its ctime changing:
// that is possible within the clock tick in which the fingerprint was taken.
// Ticks are 10 ms at most, and one or two seconds on file systems that keep no
// fractions.
func (f *fingerprint) doubtful(r *record) bool {
	tick := 20 * time.Millisecond
	if r.ctime.Nsec == 0 {
		tick = 2 * time.Second
	}
	return nanoseconds(r.ctime) >= nanoseconds(f.clock())-int64(tick)
}

func nanoseconds(t unix.Timespec) int64 { return t.Nano() }

// fits reports whether the archive that the fingerprint was taken of is of the
// given form, as far as the diffID must show it. That is so for any form that
// keeps times: only a launch layer's diffID has to be the app layer's.
func (f *fingerprint) fits(form archiveForm, layersDir string) (bool, error) {
	if !form.normalized {
		return true, nil
	}
	if !f.normalized || !f.uniform || f.uid != form.uid || f.gid != form.gid {
		return false, nil
	}
	headers, err := form.parents(layersDir)
	if err != nil {
		return false, err
	}
	now := make([]parentEntry, 0, len(headers))
	for _, h := range headers {
		now = append(now, parentEntryOf(h))
	}
	return slices.Equal(f.parents, now), nil
}

// stateFile is where something about a layer directory is kept in a state
// directory. Layer names can be as long as file names, so they are hashed.
func stateFile(stateDir, dir, kind string) string {
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(stateDir, hex.EncodeToString(sum[:16])+"."+kind)
}

// The kinds of state files.
const (
	fingerprintState = "fingerprint"
	// unusableState holds the digest of a blob that could not be restored.
	unusableState = "unusable"
)

// writeFingerprint keeps the fingerprint for the save that follows.
func writeFingerprint(stateDir string, f *fingerprint) error {
	return writeState(stateDir, f.dir, fingerprintState, f.encode())
}

// readFingerprint returns the fingerprint of a layer directory, nil if there is
// none that can be used.
func readFingerprint(stateDir, dir string) *fingerprint {
	if stateDir == "" {
		return nil
	}
	data, err := os.ReadFile(stateFile(stateDir, dir, fingerprintState))
	if err != nil {
		return nil
	}
	f, err := decodeFingerprint(data)
	if err != nil || f.dir != dir {
		return nil
	}
	return f
}

func writeState(stateDir, dir, kind string, data []byte) error {
	if err := os.MkdirAll(stateDir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(stateFile(stateDir, dir, kind), data, 0o600)
}

// forget removes what a state directory has on a layer directory.
func forget(stateDir, dir string) error {
	if stateDir == "" {
		return nil
	}
	var errs []error
	for _, kind := range []string{fingerprintState, unusableState} {
		if err := os.Remove(stateFile(stateDir, dir, kind)); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
