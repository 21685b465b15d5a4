// Package removal removes what others have made, however deep it is: three
// directories are open at a time, and what is not removed yet is nowhere but in the
// file system. (os.RemoveAll and os.Root.RemoveAll keep a descriptor and a stack
// frame for every level, and look at the whole path again and again.)
//
// What it is not for: trees that somebody still changes. Nothing is followed whatever
// they do, but they can keep it busy.
package removal

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// Path is Tree for a path whose parents can be relied on.
func Path(path string) error {
	root, err := os.OpenRoot(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	return Tree(root, filepath.Base(path))
}

// Content removes what is in a directory. It is no error if there is no directory.
func Content(dir string) error {
	top, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer top.Close()
	return empty(top)
}

// Tree removes name and everything below it, directories without permissions
// included. Symbolic links are removed, not followed. It is no error if there is
// nothing. What can be removed is removed also when it fails.
func Tree(root *os.Root, name string) error {
	err := root.Remove(name)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if info, statErr := root.Lstat(name); statErr != nil || !info.IsDir() {
		return err
	}
	top, err := enter(root, name)
	if err != nil {
		return err
	}
	err = empty(top)
	top.Close()
	if err != nil {
		return err
	}
	return root.Remove(name)
}

// empty removes what is in top. Directories that are deeper than one level are moved
// up before it is their turn.
func empty(top *os.Root) error {
	e := emptier{top: top, prefix: rand.Text() + "-"}
	for {
		e.removed = false
		err := each(top, e.remove)
		switch {
		case err == nil && !e.removed:
			return nil
		case err != nil && !e.removed:
			return err // nothing more goes
		}
	}
}

type emptier struct {
	top *os.Root
	// prefix and count make new names in top.
	prefix string
	count  int
	// removed says that there is less than before.
	removed bool
}

// remove removes an entry of top. Directories in it that are not empty become
// entries of top.
func (e *emptier) remove(entry fs.DirEntry) error {
	name := entry.Name()
	err := e.top.Remove(name)
	if err != nil && entry.IsDir() {
		if err = e.level(name); err == nil {
			err = e.top.Remove(name)
		}
	}
	if err == nil {
		e.removed = true
	}
	return err
}

// level empties a directory in top.
func (e *emptier) level(name string) error {
	dir, err := enter(e.top, name)
	if err != nil {
		return err
	}
	defer dir.Close()
	return each(dir, func(entry fs.DirEntry) error {
		err := dir.Remove(entry.Name())
		if err == nil || !entry.IsDir() {
			return err
		}
		if err := e.moveUp(dir, filepath.Join(name, entry.Name()), entry.Name()); err != nil {
			// Directories of an overlay's lower layers, for example: somebody's image.
			return Tree(dir, entry.Name())
		}
		e.removed = true
		return nil
	})
}

// moveUp renames a directory to a new name in top.
func (e *emptier) moveUp(dir *os.Root, path, name string) error {
	e.count++
	to := e.prefix + strconv.Itoa(e.count)
	err := e.top.Rename(path, to)
	if errors.Is(err, fs.ErrPermission) && dir.Chmod(name, 0o700) == nil {
		err = e.top.Rename(path, to) // it has another parent afterwards, which is written in it
	}
	return err
}

// each visits what is in a directory, and returns the first error of all visits.
func each(dir *os.Root, visit func(fs.DirEntry) error) (first error) {
	open, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer open.Close()
	for {
		entries, err := open.ReadDir(1000)
		for _, entry := range entries {
			if err := visit(entry); err != nil && first == nil && !errors.Is(err, fs.ErrNotExist) {
				first = err
			}
		}
		if errors.Is(err, io.EOF) {
			return first
		}
		if err != nil {
			return errors.Join(first, err)
		}
	}
}

// enter opens a directory, and lets its owner in if possible.
func enter(root *os.Root, name string) (*os.Root, error) {
	if info, err := root.Lstat(name); err == nil && info.IsDir() && info.Mode()&0o700 != 0o700 {
		_ = root.Chmod(name, 0o700)
	}
	return root.OpenRoot(name)
}
