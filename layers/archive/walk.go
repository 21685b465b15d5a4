package archive

import (
	"fmt"
	"os"
	"slices"

	"github.com/pack-cache/pack-cache/internal/posix"
)

// entry is one file system entry of a layer as the system describes it.
type entry struct {
	// path is relative to the layer; "" is the layer itself.
	path  string
	mode  uint32 // type and permission bits as in stat(2)
	size  int64
	nlink uint64
	inode uint64
	mtime posix.Timespec
	ctime posix.Timespec
}

func (e *entry) isDir() bool     { return e.mode&posix.S_IFMT == posix.S_IFDIR }
func (e *entry) isRegular() bool { return e.mode&posix.S_IFMT == posix.S_IFREG }
func (e *entry) isSymlink() bool { return e.mode&posix.S_IFMT == posix.S_IFLNK }
func (e *entry) isSocket() bool  { return e.mode&posix.S_IFMT == posix.S_IFSOCK }

// listTree lists the directory dir and everything below it in the order of the
// lifecycle's archives: a directory before its content, the content by name.
// Symbolic links are not followed. The open directory must be closed by the
// caller.
func listTree(dir string) (entries []entry, root *os.File, err error) {
	fd, err := openDir(posix.AT_FDCWD, dir)
	if err != nil {
		return nil, nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	root = os.NewFile(uintptr(fd), dir)
	var st posix.Stat_t
	if err := posix.Fstat(fd, &st); err != nil {
		root.Close()
		return nil, nil, &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	w := &walker{entries: []entry{entryOf("", &st)}, buffer: make([]byte, 32<<10)}
	if err := w.walk(fd, ""); err != nil {
		root.Close()
		return nil, nil, fmt.Errorf("%s: %w", dir, err)
	}
	return w.entries, root, nil
}

type walker struct {
	entries []entry
	buffer  []byte
}

// walk appends what is in the open directory fd, whose path with a slash is
// above.
func (w *walker) walk(fd int, above string) error {
	names, err := w.names(fd)
	if err != nil {
		return fmt.Errorf("listing %q: %w", above, err)
	}
	for _, name := range names {
		var st posix.Stat_t
		if err := posix.Fstatat(fd, name, &st, posix.AT_SYMLINK_NOFOLLOW); err != nil {
			return fmt.Errorf("%q: %w", above+name, err)
		}
		e := entryOf(above+name, &st)
		w.entries = append(w.entries, e)
		if !e.isDir() {
			continue
		}
		below, err := openDir(fd, name)
		if err != nil {
			return fmt.Errorf("opening %q: %w", e.path, err)
		}
		err = w.walk(below, e.path+"/")
		posix.Close(below)
		if err != nil {
			return err
		}
	}
	return nil
}

// names returns the sorted names in a directory that has just been opened.
func (w *walker) names(fd int) ([]string, error) {
	var names []string
	for {
		n, err := posix.ReadDirent(fd, w.buffer)
		if err != nil {
			return nil, err
		}
		if n <= 0 {
			slices.Sort(names)
			return names, nil
		}
		_, _, names = posix.ParseDirent(w.buffer[:n], -1, names)
	}
}

func entryOf(path string, st *posix.Stat_t) entry {
	return entry{
		path:  path,
		mode:  uint32(st.Mode),
		size:  st.Size,
		nlink: uint64(st.Nlink),
		inode: st.Ino,
		mtime: st.Mtim,
		ctime: st.Ctim,
	}
}
