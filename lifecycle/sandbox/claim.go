package sandbox

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// placePrefix begins the names of places, probePrefix those of what a probe works
// in. Both are claimed, and removed by the next build where nobody claims them any
// more.
const (
	placePrefix = "pack-cache-place-"
	probePrefix = "pack-cache-probe-"
)

// claimFile is locked while the process lives whose place it is in. A process
// that was killed could not remove its place, and what is in it may belong to
// ids that the user cannot remove by hand.
const claimFile = "claim"

// claim makes and locks the claim file of a place.
func claim(dir string) (*os.File, error) {
	// It appears locked, or else somebody could take the place for abandoned.
	file, err := os.CreateTemp(dir, claimFile+"-")
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(&os.PathError{Op: "lock", Path: file.Name(), Err: err}, file.Close())
	}
	if err := os.Rename(file.Name(), filepath.Join(dir, claimFile)); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// placeDir is a directory of a place.
type placeDir struct {
	path  string   // "" before it is made
	claim *os.File // says that it is in use
}

// make makes the directory in work, with these in it, and claims it.
func (d *placeDir) make(work string, dirs ...string) error {
	return d.makeAs(placePrefix, work, dirs...)
}

func (d *placeDir) makeAs(prefix, work string, dirs ...string) (err error) {
	if d.path, err = os.MkdirTemp(work, prefix); err != nil {
		return err
	}
	if d.claim, err = claim(d.path); err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := os.Mkdir(filepath.Join(d.path, dir), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// patientRemoval is how long a build waits for what killed ones have left to be
// removed: their room is wanted, but it may take minutes.
const patientRemoval = 5 * time.Second

// makeRoom removes what killed builds and probes have left in work and in the
// store. When that takes long, it goes on beside the build, and what is left at its
// end is for the next one.
func (h *host) makeRoom(ctx context.Context, work string, u lifecycle.User, report progress.Reporter) {
	ended := waitFor(ctx, patientRemoval, func() {
		h.removeAbandoned(ctx, work, u)
		h.sweepProbes(ctx, u)
	})
	if !ended && ctx.Err() == nil {
		report.Info("The remains of killed builds in " + work + " are removed beside this build")
	}
}

// waitFor runs work and reports whether it ended in time. It goes on if it did not.
func waitFor(ctx context.Context, patience time.Duration, work func()) bool {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		work()
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-ended:
		return true
	case <-late.C:
	case <-ctx.Done():
	}
	return false
}

// removeAbandoned removes the places in work of this user's processes that were
// killed. What cannot be removed stays; the next build will try again.
func (h *host) removeAbandoned(ctx context.Context, work string, u lifecycle.User) {
	entries, err := os.ReadDir(work)
	if err != nil {
		return
	}
	for _, entry := range entries {
		dir := filepath.Join(work, entry.Name())
		isOurs := strings.HasPrefix(entry.Name(), placePrefix) || strings.HasPrefix(entry.Name(), probePrefix)
		if isOurs && isOwn(dir) && ctx.Err() == nil {
			h.removeIfAbandoned(ctx, u, dir)
		}
	}
}

func (h *host) removeIfAbandoned(ctx context.Context, u lifecycle.User, dir string) {
	file, err := os.Open(filepath.Join(dir, claimFile))
	if errors.Is(err, fs.ErrNotExist) && isOld(dir) {
		// Its process was killed between two steps, or in removing it.
		_ = h.remove(ctx, h.identity, u, dir)
		return
	}
	if err != nil {
		return // it has just been made, or is being removed
	}
	defer file.Close()
	if unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
		_ = h.remove(ctx, h.identity, u, dir)
	}
}

// sweepProbes removes what killed probes have left in the store.
func (h *host) sweepProbes(ctx context.Context, u lifecycle.User) {
	store := h.stores.writable()
	entries, _ := os.ReadDir(store)
	for _, entry := range entries {
		dir := filepath.Join(store, entry.Name())
		if !strings.HasPrefix(entry.Name(), overlayProbe) || !isOwn(dir) || ctx.Err() != nil {
			continue
		}
		lock, err := os.Open(dir)
		if err != nil {
			continue
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = h.remove(ctx, h.identity, u, dir)
		}
		lock.Close()
	}
}

// unclaimed is how long a directory may be without a claim: that of a process that
// lives is made at once.
const unclaimed = 10 * time.Minute

// isOld tells whether nothing has changed in a directory for long.
func isOld(dir string) bool {
	info, err := os.Lstat(dir)
	return err == nil && time.Since(info.ModTime()) > unclaimed
}

// isOwn tells whether dir is a directory, and no link to one, that belongs to
// this user.
func isOwn(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
