package layers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pack-cache/pack-cache/internal/posix"
)

// normalizedTime is the modification time that the lifecycle gives to every
// entry of the archives it makes.
var normalizedTime = time.Date(1980, time.January, 1, 0, 0, 1, 0, time.UTC)

// op asks a treeWriter for one entry, or for a piece of a file.
type op struct {
	// path is relative to the layer and clean; "" is the layer itself.
	path string
	// kind is posix.S_IFREG, S_IFDIR or S_IFLNK.
	kind    uint32
	mode    uint32
	mtime   posix.Timespec
	setTime bool
	link    string
	// more says that data continues the file that the previous op began, last
	// that the file is complete then.
	more, last bool
	data       []byte
	block      *block
	pool       *blockPool
}

// treeWriter makes the tree of one layer. Directories stay writable until
// everything is there.
type treeWriter struct {
	stack *dirStack
	dirs  map[string]op
	// mask are the permission bits that the system takes from new files.
	mask uint32
	// now is the access time of everything.
	now posix.Timespec
	// file is the open file, parent the directory it is in; -1 for none.
	file, fileParent int
}

// writeTree makes the entries that come out of ops below the directory root.
func writeTree(ctx context.Context, root int, ops <-chan op) error {
	mask, err := probeMask(root)
	if err != nil {
		return err
	}
	w := &treeWriter{stack: newDirStack(root), dirs: map[string]op{"": {mode: 0o755}}, mask: mask, now: timespec(time.Now()), file: -1}
	defer w.close()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case o, ok := <-ops:
			if !ok {
				return w.finishDirs()
			}
			err := w.apply(o)
			if o.block != nil {
				o.pool.release(o.block)
			}
			if err != nil {
				return err
			}
		}
	}
}

// probeMask finds out by doing which permission bits a new file does not get,
// be it for the umask or for a default ACL. Asking for the umask would change
// it for the whole process.
func probeMask(root int) (uint32, error) {
	const name = ".pack-cache-mode"
	fd, err := openAt(root, name, posix.O_CREAT|posix.O_EXCL|posix.O_WRONLY, 0o777)
	if err != nil {
		return 0, err
	}
	defer posix.Close(fd)
	var st posix.Stat_t
	if err := posix.Fstat(fd, &st); err != nil {
		return 0, err
	}
	return 0o777 &^ uint32(st.Mode), posix.Unlinkat(root, name, 0)
}

func (w *treeWriter) apply(o op) error {
	if o.more {
		return w.write(o)
	}
	if o.path == "" {
		if o.kind != posix.S_IFDIR {
			return fmt.Errorf("the layer itself is not a directory: %w", ErrCorrupt)
		}
		w.dirs[""] = o
		return nil
	}
	dir, base := splitPath(o.path)
	parent, err := w.parent(dir)
	if err != nil {
		return err
	}
	switch o.kind {
	case posix.S_IFDIR:
		return w.mkdir(parent, base, o)
	case posix.S_IFLNK:
		return w.symlink(parent, base, o)
	default:
		return w.create(parent, base, o)
	}
}

// parent opens a directory, making those that the archive did not mention.
func (w *treeWriter) parent(dir string) (int, error) {
	if _, ok := w.dirs[dir]; !ok {
		above, base := splitPath(dir)
		fd, err := w.parent(above)
		if err != nil {
			return -1, err
		}
		if err := w.mkdir(fd, base, op{path: dir, mode: 0o755}); err != nil {
			return -1, err
		}
	}
	return w.stack.enter(dir)
}

func (w *treeWriter) mkdir(parent int, base string, o op) error {
	if _, ok := w.dirs[o.path]; !ok {
		if err := posix.Mkdirat(parent, base, 0o700); err != nil {
			return entryError(o.path, err)
		}
	}
	w.dirs[o.path] = o
	return nil
}

func (w *treeWriter) symlink(parent int, base string, o op) error {
	if err := posix.Symlinkat(o.link, parent, base); err != nil {
		return entryError(o.path, err)
	}
	return w.setTime(parent, base, o)
}

func (w *treeWriter) create(parent int, base string, o op) error {
	fd, err := openAt(parent, base, posix.O_CREAT|posix.O_EXCL|posix.O_WRONLY, o.mode)
	if err != nil {
		return entryError(o.path, err)
	}
	w.file, w.fileParent = fd, parent
	return w.write(o)
}

func (w *treeWriter) write(o op) error {
	for data := o.data; len(data) > 0; {
		n, err := posix.Write(w.file, data)
		if err == posix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("writing %q: %w", o.path, err)
		}
		data = data[n:]
	}
	if !o.last {
		return nil
	}
	return w.finishFile(o)
}

// finishFile gives the open file its mode and time, and closes it. Writing may
// have taken the set-user-ID bits away.
func (w *treeWriter) finishFile(o op) error {
	fd := w.file
	w.file = -1
	if o.mode&w.mask != 0 || o.mode&0o7000 != 0 {
		if err := posix.Fchmod(fd, o.mode); err != nil {
			posix.Close(fd)
			return fmt.Errorf("setting the mode of %q: %w", o.path, err)
		}
	}
	if err := posix.Close(fd); err != nil {
		return fmt.Errorf("writing %q: %w", o.path, err)
	}
	_, base := splitPath(o.path)
	return w.setTime(w.fileParent, base, o)
}

// finishDirs gives the directories below the layer's own their modes and times,
// deepest first. The layer's own gets its time; its mode waits until it has
// been moved, which needs write permission.
func (w *treeWriter) finishDirs() error {
	paths := make([]string, 0, len(w.dirs))
	for path := range w.dirs {
		paths = append(paths, path)
	}
	slices.SortFunc(paths, func(a, b string) int { return strings.Compare(b, a) })
	for _, path := range paths {
		if path == "" {
			if err := w.setTime(w.stack.root, ".", w.dirs[""]); err != nil {
				return err
			}
			continue
		}
		fd, err := w.stack.enter(path)
		if err != nil {
			return err
		}
		if err := posix.Fchmod(fd, w.dirs[path].mode); err != nil {
			return fmt.Errorf("setting the mode of %q: %w", path, err)
		}
		above, base := splitPath(path)
		parent, err := w.stack.enter(above)
		if err != nil {
			return err
		}
		if err := w.setTime(parent, base, w.dirs[path]); err != nil {
			return err
		}
	}
	return nil
}

func (w *treeWriter) close() {
	if w.file >= 0 {
		posix.Close(w.file)
	}
	w.stack.close()
}

func (w *treeWriter) setTime(parent int, base string, o op) error {
	if !o.setTime {
		return nil
	}
	times := []posix.Timespec{w.now, o.mtime}
	if err := posix.UtimesNanoAt(parent, base, times, posix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("setting the time of %q: %w", o.path, err)
	}
	return nil
}

// entryError tells an archive that contradicts itself from a disk that fails.
func entryError(path string, err error) error {
	switch err {
	case posix.EEXIST:
		return fmt.Errorf("entry %q is there twice: %w", path, ErrCorrupt)
	case posix.EINVAL, posix.ENAMETOOLONG, posix.ENOENT, posix.ENOTDIR, posix.ELOOP:
		return fmt.Errorf("entry %q cannot be: %w: %w", path, err, ErrCorrupt)
	default:
		return fmt.Errorf("making %q: %w", path, err)
	}
}

func timespec(t time.Time) posix.Timespec {
	return posix.Timespec{Sec: t.Unix(), Nsec: int64(t.Nanosecond())}
}
