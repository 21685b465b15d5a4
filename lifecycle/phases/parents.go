package phases

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	lifecyclelayers "github.com/buildpacks/lifecycle/layers"

	"github.com/pack-cache/pack-cache/internal/posix"
)

// nameParent normalises the owner and mode that an image records for a directory
// above a layer, so that the image does not depend on the place of the build. The
// layers directory and what is below it are the build user's, and nobody else
// can write there: it may be a volume that was made for the build, of root and
// with mode 0777. Of other directories, root's stay as they are.
func (j *job) nameParent(h *tar.Header) {
	name := path.Join("/", h.Name)
	if inLayers := name == j.Paths.Layers || strings.HasPrefix(name, j.Paths.Layers+"/"); inLayers || h.Uid != 0 {
		h.Uid, h.Gid = j.User.UID, j.User.GID
		h.Mode &^= 0o022
	}
}

// nameParents writes the archive of a layer anew if the lifecycle has said
// something else of the directories above dir.
func (a *appLayers) nameParents(layer *lifecyclelayers.Layer, dir string) error {
	for above := filepath.Dir(dir); above != "/" && above != "."; above = filepath.Dir(above) {
		there, err := headerOf(above)
		if err != nil {
			return err
		}
		named := *there
		a.place.Parent(&named)
		if named.Uid != there.Uid || named.Gid != there.Gid || named.Mode != there.Mode {
			return edit(layer, func(h *tar.Header) {
				if strings.HasPrefix(dir, path.Clean(h.Name)+"/") {
					a.place.Parent(h)
				}
			})
		}
	}
	return nil
}

// SliceLayers implements phase.LayerFactory. The directory of the application
// can be one that was there for everybody to write, and that nobody here can
// change; a build user's is not.
func (a *appLayers) SliceLayers(dir string, slices []lifecyclelayers.Slice) ([]lifecyclelayers.Layer, error) {
	made, err := a.Factory.SliceLayers(dir, slices)
	if err != nil {
		return nil, err
	}
	there, err := headerOf(dir)
	if err != nil {
		return nil, err
	}
	if self := os.Geteuid(); self == 0 || there.Uid == self || there.Mode&0o022 == 0 {
		return made, nil
	}
	for i := range made {
		err := edit(&made[i], func(h *tar.Header) {
			if path.Clean(h.Name) == path.Clean(dir) {
				h.Mode &^= 0o022
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return made, nil
}

// headerOf is what an archive would say of the owner and mode of a directory.
func headerOf(dir string) (*tar.Header, error) {
	var st posix.Stat_t
	if err := posix.Stat(dir, &st); err != nil {
		return nil, &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	return &tar.Header{Name: dir, Uid: int(st.Uid), Gid: int(st.Gid), Mode: int64(st.Mode & 0o7777)}, nil
}

// edit writes the archive of a layer anew, with its headers edited.
func edit(layer *lifecyclelayers.Layer, change func(*tar.Header)) (err error) {
	from, err := os.Open(layer.TarPath)
	if err != nil {
		return err
	}
	defer from.Close()
	edited := layer.TarPath + ".edited"
	to, err := os.Create(edited)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	sum := sha256.New()
	if err := copyEdited(io.MultiWriter(to, sum), from, change); err != nil {
		return err
	}
	layer.TarPath, layer.Digest = edited, "sha256:"+hex.EncodeToString(sum.Sum(nil))
	return nil
}

func copyEdited(to io.Writer, from io.Reader, change func(*tar.Header)) error {
	in, out := tar.NewReader(from), tar.NewWriter(to)
	for {
		header, err := in.Next()
		if err == io.EOF {
			return out.Close()
		}
		if err != nil {
			return err
		}
		change(header)
		if err := out.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.Copy(out, in); err != nil {
			return err
		}
	}
}
