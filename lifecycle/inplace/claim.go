package inplace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/removal"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// Files and directories of a place.
const (
	claimFile   = "claim"     // locked by whoever has the place
	volumesDir  = "volumes"   // those that have no path of their own
	keptDir     = "kept"      // what was in /workspace
	tempVolume  = "tmp"       // instead of /tmp
	movedMark   = "displaced" // says that all of it is in keptDir
	layersMark  = "layers"    // says that what is in /layers is a build's
	builderDir  = "builder"   // unpacked layers that are laid over the builder
	buildpacks  = "buildpacks"
	placeAccess = 0o711 // phases may go through, and look at nothing
)

// claim makes the directory of the place and locks it. What a killed process
// left in it is put back in order first.
func (h *host) claim() (*os.File, error) {
	if err := os.Mkdir(h.dir, placeAccess); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	info, err := os.Lstat(h.dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() || ownerOf(info).UID != os.Geteuid() {
		return nil, hint.Errorf("remove it, or name another directory in TMPDIR", "%s is not a directory of user %d", h.dir, os.Geteuid())
	}
	if err := os.Chmod(h.dir, placeAccess); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(h.dir, claimFile), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, hint.Errorf("wait for its end, or build in another container", "another build runs in this container, and there is only one /layers")
		}
		return nil, err
	}
	if err := h.restore(); err != nil {
		return nil, errors.Join(confine.Step(err, "removing what another build left"), file.Close())
	}
	return file, nil
}

// restore puts everything back as it was before there was a place.
func (h *host) restore() error {
	var errs []error
	if h.marked(layersMark) {
		errs = append(errs, removal.Content(lifecycle.LayersDir))
	}
	if h.marked(movedMark) {
		if err := removal.Content(lifecycle.AppDir); err != nil {
			return err
		}
		if err := os.Remove(h.path(movedMark)); err != nil {
			return err
		}
	}
	if err := move(h.path(keptDir), lifecycle.AppDir); err != nil {
		return err
	}
	entries, err := os.ReadDir(h.dir)
	for _, entry := range entries {
		if entry.Name() != claimFile {
			errs = append(errs, removal.Path(h.path(entry.Name())))
		}
	}
	return errors.Join(append(errs, err)...)
}

func (h *host) path(name string) string { return filepath.Join(h.dir, name) }

func (h *host) marked(name string) bool {
	_, err := os.Lstat(h.path(name))
	return err == nil
}

func (h *host) mark(name string) error { return os.WriteFile(h.path(name), nil, 0o600) }

// displace moves what is in /workspace out of the way.
func (h *host) displace() error {
	if err := os.Mkdir(h.path(keptDir), 0o700); err != nil {
		return err
	}
	if err := move(lifecycle.AppDir, h.path(keptDir)); err != nil {
		back := move(h.path(keptDir), lifecycle.AppDir)
		return hint.With("have the source checked out or mounted somewhere else, such as /source, and name it with --path",
			errors.Join(fmt.Errorf("%s is where the application is built, but there are other files that cannot be moved away: %w", lifecycle.AppDir, err), back))
	}
	return h.mark(movedMark)
}

// move moves all that is in one directory to another.
func move(from, to string) error {
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if err := os.Rename(filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())); err != nil {
			return err
		}
	}
	return err
}
