package inplace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/volume"
)

// paths says where phases find the volumes.
func (h *host) paths() lifecycle.Paths {
	return lifecycle.Paths{
		Platform:   h.volume(lifecycle.VolumePlatform),
		State:      h.volume(lifecycle.VolumeState),
		HomeDetect: h.volume(lifecycle.VolumeHomeDetect),
		HomeBuild:  h.volume(lifecycle.VolumeHomeBuild),
	}.OrUsual()
}

// volume is the directory of a volume.
func (h *host) volume(name string) string {
	switch name {
	case lifecycle.VolumeLayers:
		return lifecycle.LayersDir
	case lifecycle.VolumeApp:
		return lifecycle.AppDir
	}
	return filepath.Join(h.dir, volumesDir, name)
}

// fixed is a volume with a path of its own, and how it was found.
type fixed struct {
	path  string
	found fs.FileInfo // nil if it was made
}

// openFixed readies a volume with a path of its own for u.
func (h *host) openFixed(name string, u lifecycle.User) (*fixed, error) {
	f := &fixed{path: h.volume(name)}
	var err error
	if f.found, err = os.Lstat(f.path); errors.Is(err, fs.ErrNotExist) {
		f.found, err = nil, os.Mkdir(f.path, 0o755)
	}
	if err != nil {
		return nil, err
	}
	switch name {
	case lifecycle.VolumeApp:
		err = h.displace()
	case lifecycle.VolumeLayers:
		if err = f.checkEmpty(); err == nil {
			err = h.mark(layersMark)
		}
	}
	if err != nil || f.found != nil && !h.root && ownerOf(f.found).UID != u.UID {
		return f, err // of somebody else, who lets this user write
	}
	return f, volume.Give(f.path, u)
}

func (f *fixed) checkEmpty() error {
	entries, err := os.ReadDir(f.path)
	if err == nil && len(entries) > 0 {
		err = hint.Errorf("remove them: a build begins with an empty directory there",
			"%s has files that are not of this build, such as %s", f.path, entries[0].Name())
	}
	return err
}

// close gives the emptied directory back, or removes it.
func (f *fixed) close() error {
	if f.found == nil {
		return os.Remove(f.path)
	}
	was := ownerOf(f.found)
	now, err := os.Lstat(f.path)
	if err != nil || ownerOf(now).UID != os.Geteuid() && os.Geteuid() != 0 {
		return err
	}
	if ownerOf(now) != was {
		err = os.Chown(f.path, was.UID, was.GID)
	}
	return errors.Join(err, os.Chmod(f.path, f.found.Mode()))
}
