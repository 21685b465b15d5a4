package layers

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
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
	if err := removeTree(s.layers, dir); err != nil {
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
	return errors.Join(s.dir.Close(), removeTree(s.layers, s.name))
}

// RemoveTree removes name and everything below it, directories without write
// permission included. Symbolic links are removed, not followed. It is no error if
// there is nothing.
func RemoveTree(root *os.Root, name string) error { return removeTree(root, name) }

func removeTree(root *os.Root, name string) error {
	err := root.RemoveAll(name)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if info, statErr := root.Lstat(name); statErr != nil || !info.IsDir() {
		return err
	}
	openUp(root, name)
	return root.RemoveAll(name)
}

// openUp gives the owner all rights to a directory and those below it, as far as
// possible. (fs.WalkDir does not take names that are no UTF-8.)
func openUp(root *os.Root, dir string) {
	if root.Chmod(dir, 0o700) != nil {
		return
	}
	file, err := root.Open(dir)
	if err != nil {
		return
	}
	entries, _ := file.ReadDir(-1)
	file.Close()
	for _, entry := range entries {
		if entry.IsDir() {
			openUp(root, path.Join(dir, entry.Name()))
		}
	}
}
