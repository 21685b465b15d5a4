// Package rootfs builds image layers out of files that are described rather
// than unpacked: who owns a file and what it may do are data, so an ordinary
// user assembles the same layer, bit for bit, as root does.
//
// What it is not for: reading images. It only ever writes layers.
package rootfs

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Owner is the numeric user and group of an entry. Its zero value is root.
type Owner struct{ UID, GID int }

// FS is the content of a layer to be. Paths are slash-separated and relative to
// the root; "/etc/passwd" and "etc/passwd" name the same entry. A later entry
// of the same name replaces an earlier one. An FS is not safe for concurrent
// use.
type FS struct {
	entries map[string]*entry
}

// entry is a directory, a regular file or a symbolic link, by the type bits of
// mode.
type entry struct {
	mode    fs.FileMode
	owner   Owner
	content io.ReaderAt
	size    int64
	link    string
}

// New returns an empty FS.
func New() *FS { return &FS{entries: map[string]*entry{}} }

// Dir adds a directory with the permission bits of perm. An existing directory
// gets the new mode and owner.
func (f *FS) Dir(name string, perm fs.FileMode, owner Owner) {
	f.put(name, &entry{mode: fs.ModeDir | perm, owner: owner})
}

// File adds a regular file.
func (f *FS) File(name string, perm fs.FileMode, owner Owner, content []byte) {
	f.FileAt(name, perm, owner, bytes.NewReader(content), int64(len(content)))
}

// FileAt adds a regular file of size bytes, which are read from content when
// the layer is written. Two files with the same content value, mode and owner
// become hard links of each other.
func (f *FS) FileAt(name string, perm fs.FileMode, owner Owner, content io.ReaderAt, size int64) {
	f.put(name, &entry{mode: perm, owner: owner, content: content, size: size})
}

// Symlink adds a symbolic link to target, which is kept as it is.
func (f *FS) Symlink(name, target string) {
	f.put(name, &entry{mode: fs.ModeSymlink | 0o777, link: target})
}

// Link adds a second name for the regular file old. It reports whether there is
// such a file.
func (f *FS) Link(name, old string) bool {
	e, ok := f.entries[clean(old)]
	if !ok || !e.mode.IsRegular() {
		return false
	}
	f.put(name, e)
	return true
}

// Has reports whether there is an entry of that name.
func (f *FS) Has(name string) bool {
	_, ok := f.entries[clean(name)]
	return ok
}

// Read returns the content of a regular file, and false if there is none of
// that name.
func (f *FS) Read(name string) ([]byte, bool) {
	e, ok := f.entries[clean(name)]
	if !ok || !e.mode.IsRegular() {
		return nil, false
	}
	data, err := io.ReadAll(io.NewSectionReader(e.content, 0, e.size))
	return data, err == nil
}

// Readlink returns where a symbolic link points, and false if there is none of
// that name.
func (f *FS) Readlink(name string) (string, bool) {
	e, ok := f.entries[clean(name)]
	if !ok || e.mode&fs.ModeSymlink == 0 {
		return "", false
	}
	return e.link, true
}

// List returns the names of the entries in a directory, sorted.
func (f *FS) List(dir string) []string {
	var names []string
	for name := range f.entries {
		if path.Dir(name) == clean(dir) {
			names = append(names, path.Base(name))
		}
	}
	slices.Sort(names)
	return names
}

// put adds an entry and the directories above it.
func (f *FS) put(name string, e *entry) {
	name = clean(name)
	if name == "" {
		return
	}
	f.entries[name] = e
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := f.entries[dir]; !ok {
			f.entries[dir] = &entry{mode: fs.ModeDir | 0o755}
		}
	}
}

func clean(name string) string {
	return strings.TrimPrefix(path.Clean("/"+name), "/")
}
