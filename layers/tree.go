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
	// evidence of the whole content comes with last.
	evidence evidence
}

// treeWriter makes the tree of one layer. Directories stay writable until
// everything is there.
type treeWriter struct {
	stack *dirStack
	dirs  map[string]dir
	// mask are the permission bits that the system takes from new files.
	mask uint32
	// now is the access time of everything.
	now posix.Timespec
	// file is the open file; -1 for none.
	file int
	// records are what has been made, as it is when nobody touches it any more.
	records []record
}

// dir is a directory that has been made.
type dir struct {
	op
	record int // its place among the records
}

// writeTree makes the entries that come out of ops below the directory root, and
// returns a record of each. The first is that of the layer's own directory, of
// which nothing but the path is final.
func writeTree(ctx context.Context, root int, ops <-chan op) ([]record, error) {
	mask, err := probeMask(root)
	if err != nil {
		return nil, err
	}
	w := &treeWriter{
		stack: newDirStack(root), dirs: map[string]dir{"": {op: op{mode: 0o755}}}, records: make([]record, 1),
		mask: mask, now: timespec(time.Now()), file: -1,
	}
	defer w.close()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case o, ok := <-ops:
			if !ok {
				return w.records, w.finishDirs()
			}
			err := w.apply(o)
			if o.block != nil {
				o.pool.release(o.block)
			}
			if err != nil {
				return nil, err
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
		w.dirs[""] = dir{op: o}
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
	made, ok := w.dirs[o.path]
	if !ok {
		if err := posix.Mkdirat(parent, base, 0o700); err != nil {
			return entryError(o.path, err)
		}
		made.record = len(w.records)
		w.records = append(w.records, record{})
	}
	made.op = o
	w.dirs[o.path] = made
	return nil
}

func (w *treeWriter) symlink(parent int, base string, o op) error {
	if err := posix.Symlinkat(o.link, parent, base); err != nil {
		return entryError(o.path, err)
	}
	if err := w.setTime(parent, base, o); err != nil {
		return err
	}
	var st posix.Stat_t
	if err := posix.Fstatat(parent, base, &st, posix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("looking at %q: %w", o.path, err)
	}
	w.records = append(w.records, record{entry: entryOf(o.path, &st), link: o.link})
	return nil
}

func (w *treeWriter) create(parent int, base string, o op) error {
	fd, err := openAt(parent, base, posix.O_CREAT|posix.O_EXCL|posix.O_WRONLY, o.mode)
	if err != nil {
		return entryError(o.path, err)
	}
	w.file = fd
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
	st, err := w.settle(fd, o)
	if closeErr := posix.Close(fd); closeErr != nil && err == nil {
		return fmt.Errorf("writing %q: %w", o.path, closeErr)
	}
	w.records = append(w.records, record{entry: entryOf(o.path, &st), evidence: o.evidence})
	return err
}

// settle gives an open file its mode, if it has not got it yet, and its time.
func (w *treeWriter) settle(fd int, o op) (st posix.Stat_t, err error) {
	if o.mode&w.mask != 0 || o.mode&0o7000 != 0 {
		if err := posix.Fchmod(fd, o.mode); err != nil {
			return st, fmt.Errorf("setting the mode of %q: %w", o.path, err)
		}
	}
	if err := posix.Futimens(fd, w.times(o)); err != nil {
		return st, fmt.Errorf("setting the time of %q: %w", o.path, err)
	}
	if err := posix.Fstat(fd, &st); err != nil {
		return st, fmt.Errorf("looking at %q: %w", o.path, err)
	}
	return st, nil
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
			return w.setTime(w.stack.root, ".", w.dirs[""].op) // it is the last one
		}
		fd, err := w.stack.enter(path)
		if err != nil {
			return err
		}
		made := w.dirs[path]
		if err := posix.Fchmod(fd, made.mode); err != nil {
			return fmt.Errorf("setting the mode of %q: %w", path, err)
		}
		above, base := splitPath(path)
		parent, err := w.stack.enter(above)
		if err != nil {
			return err
		}
		if err := w.setTime(parent, base, made.op); err != nil {
			return err
		}
		var st posix.Stat_t
		if err := posix.Fstatat(parent, base, &st, posix.AT_SYMLINK_NOFOLLOW); err != nil {
			return fmt.Errorf("looking at %q: %w", path, err)
		}
		w.records[made.record].entry = entryOf(path, &st)
	}
	return nil
}

func (w *treeWriter) close() {
	if w.file >= 0 {
		posix.Close(w.file)
	}
	w.stack.close()
}

// setTime is for what is not open.
func (w *treeWriter) setTime(parent int, base string, o op) error {
	if !o.setTime {
		return nil
	}
	if err := posix.UtimesNanoAt(parent, base, w.times(o), posix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("setting the time of %q: %w", o.path, err)
	}
	return nil
}

func (w *treeWriter) times(o op) []posix.Timespec { return []posix.Timespec{w.now, o.mtime} }

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
