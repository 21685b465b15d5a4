package ocidir

import (
	"crypto/rand"
	"errors"
	"os"
	"strings"

	"github.com/pack-cache/pack-cache/internal/posix"
	"github.com/pack-cache/pack-cache/internal/userfile"
)

// temp is a file that gets its name when it is whole. It is locked while it is
// written, so that others can tell it from what a killed process left. Its end
// is publish or discard.
type temp struct {
	root *os.Root // its own
	name string
	file *os.File
}

func newTemp(root *os.Root) (*temp, error) {
	for {
		t, err := tryTemp(root)
		if !errors.Is(err, posix.ErrLocked) {
			return t, err
		}
		// sweep was faster.
	}
}

func tryTemp(root *os.Root) (*temp, error) {
	root, err := root.OpenRoot(".")
	if err != nil {
		return nil, err
	}
	t := &temp{root: root, name: tempPrefix + rand.Text()}
	if t.file, err = root.OpenFile(t.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	err = posix.TryLock(t.file)
	if err == nil && !linked(root, t.file, t.name) {
		err = posix.ErrLocked
	}
	if err != nil {
		t.discard()
		return nil, err
	}
	return t, nil
}

// publish gives the file its name, in place of what is there.
func (t *temp) publish(name string) error {
	err := t.file.Sync()
	if err == nil {
		err = t.root.Rename(t.name, name)
	}
	if err != nil {
		t.discard()
		return err
	}
	return errors.Join(t.file.Close(), t.root.Close())
}

// discard removes the file.
func (t *temp) discard() {
	// What cannot be removed is found by the next sweep.
	_ = t.root.Remove(t.name)
	_ = t.file.Close()
	_ = t.root.Close()
}

// writeFile writes a small file.
func writeFile(root *os.Root, name string, content []byte) error {
	t, err := newTemp(root)
	if err != nil {
		return err
	}
	if _, err := t.file.Write(content); err != nil {
		t.discard()
		return err
	}
	return t.publish(name)
}

// sweep removes what killed processes have left.
func sweep(root *os.Root) {
	dir, err := root.Open(".")
	if err != nil {
		return
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if !strings.HasPrefix(name, tempPrefix) {
			continue
		}
		file, err := userfile.OpenIn(root, name)
		if err != nil {
			continue
		}
		if posix.TryLock(file) == nil {
			_ = root.Remove(name)
		}
		file.Close()
	}
}
