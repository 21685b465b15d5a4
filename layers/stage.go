package layers

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/pack-cache/pack-cache/internal/removal"
)

// stagePrefix begins the names of the directories in which layers grow.
const stagePrefix = ".pack-cache-"

// stage is a directory on the layers directory's file system in which a layer
// grows until it is whole.
type stage struct {
	// layers is the layers directory.
	layers *os.Root
	name   string
	// dir is the stage itself; it keeps pointing there when it is renamed.
	dir *os.File
}

// newStage makes a stage in parent, a directory relative to the layers directory.
func newStage(layers *os.Root, parent string) (*stage, error) {
	name := path.Join(parent, stagePrefix+rand.Text())
	if err := layers.Mkdir(name, 0o700); err != nil {
		return nil, fmt.Errorf("making room for a layer: %w", err)
	}
	dir, err := layers.Open(name)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making room for a layer: %w", err), layers.Remove(name))
	}
	return &stage{layers: layers, name: name, dir: dir}, nil
}

// publish moves the stage to dir, relative to the layers directory, in place of
// whatever is there. Directories between that are not there yet get mode.
func (s *stage) publish(dir string, parentMode func(dir string) fs.FileMode) error {
	if err := s.makeParents(path.Dir(dir), parentMode); err != nil {
		return err
	}
	if err := removal.Tree(s.layers, dir); err != nil {
		return fmt.Errorf("removing what was in place of layer %s: %w", dir, err)
	}
	return s.layers.Rename(s.name, dir)
}

func (s *stage) makeParents(dir string, mode func(dir string) fs.FileMode) error {
	if dir == "." {
		return nil
	}
	if err := s.makeParents(path.Dir(dir), mode); err != nil {
		return err
	}
	err := s.layers.Mkdir(dir, mode(dir))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.layers.Chmod(dir, mode(dir)) // whatever the umask
}

// discard removes the stage if it was not published.
func (s *stage) discard() error {
	return errors.Join(s.dir.Close(), removal.Tree(s.layers, s.name))
}
