package archive

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/internal/posix"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// NormalizedTime is the modification time that the lifecycle gives to every
// entry of the archives it makes.
var NormalizedTime = time.Date(1980, time.January, 1, 0, 0, 1, 0, time.UTC)

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
	block      *blob.Block
	// evidence of the whole content comes with last.
	evidence blob.Evidence
}

// treeWriter makes the tree of one layer. Directories stay writable until
// everything is there.
//
// One goroutine takes the entries in their order. Files that come in one piece it
// leaves to others, each of which makes what it is given from beginning to end:
// making many small files takes the system longer than everything else here.
type treeWriter struct {
	// fileMaker makes what comes in several pieces.
	fileMaker
	dirs map[string]dir
	// small leads to those that make the other files.
	small chan smallFile
	// records are what has been made, as it is when nobody touches it any more.
	// lock is for them and the place where they are.
	records []record
	lock    sync.Mutex
}

// maxMakers bounds how many make files side by side: a directory takes one new
// entry after the other.
const maxMakers = 4

// filesAhead is how many files may wait for those that make them.
const filesAhead = 64

// smallFile is a file that came in one piece, and the place of its record.
type smallFile struct {
	op
	record int
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
	now := timespec(time.Now())
	maker := func() fileMaker { return fileMaker{stack: newDirStack(root), mask: mask, now: now, file: -1} }
	w := &treeWriter{
		fileMaker: maker(), dirs: map[string]dir{"": {op: op{mode: 0o755}}}, records: make([]record, 1),
		small: make(chan smallFile, filesAhead),
	}
	defer w.close()
	group, ctx := errgroup.WithContext(ctx)
	for range min(runtime.GOMAXPROCS(0), maxMakers) {
		m := maker()
		group.Go(func() error { return w.makeSmall(ctx, &m) })
	}
	group.Go(func() error {
		defer close(w.small)
		return w.takeAll(ctx, ops)
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return w.records, w.finishDirs()
}

// takeAll takes the entries in their order.
func (w *treeWriter) takeAll(ctx context.Context, ops <-chan op) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case o, ok := <-ops:
			if !ok {
				return nil
			}
			if o.kind == posix.S_IFREG && o.last && !o.more && o.path != "" {
				if err := w.leave(ctx, o); err != nil {
					return err
				}
				continue
			}
			err := w.apply(o)
			o.block.Release()
			if err != nil {
				return err
			}
		}
	}
}

// leave leaves a file to others, once the directory is there in which it is.
func (w *treeWriter) leave(ctx context.Context, o op) error {
	dir, _ := splitPath(o.path)
	if err := w.ensure(dir); err != nil {
		return err
	}
	select {
	case w.small <- smallFile{o, w.record(record{})}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// makeSmall makes files until there are no more.
func (w *treeWriter) makeSmall(ctx context.Context, m *fileMaker) error {
	defer m.close()
	for f := range w.small {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		made, err := m.make(f.op)
		f.block.Release()
		if err != nil {
			return err
		}
		w.lock.Lock()
		w.records[f.record] = made
		w.lock.Unlock()
	}
	return nil
}

// record adds a record and returns its place.
func (w *treeWriter) record(r record) int {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.records = append(w.records, r)
	return len(w.records) - 1
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
	switch {
	case o.more:
		return w.goOn(o)
	case o.path != "":
	case o.kind != posix.S_IFDIR:
		return fmt.Errorf("the layer itself is not a directory: %w", blob.ErrCorrupt)
	default:
		w.dirs[""] = dir{op: o}
		return nil
	}
	dir, base := splitPath(o.path)
	if err := w.ensure(dir); err != nil {
		return err
	}
	parent, err := w.stack.enter(dir)
	if err != nil {
		return err
	}
	switch o.kind {
	case posix.S_IFDIR:
		return w.mkdir(parent, base, o)
	case posix.S_IFLNK:
		return w.symlink(parent, base, o)
	default:
		if err := w.begin(parent, base, o); err != nil {
			return err
		}
		return w.goOn(o)
	}
}

// goOn writes a piece of the open file.
func (w *treeWriter) goOn(o op) error {
	if err := w.write(o); err != nil || !o.last {
		return err
	}
	made, err := w.finish(o)
	w.record(made)
	return err
}

// ensure makes a directory, and those above it, if the archive did not mention it
// so far.
func (w *treeWriter) ensure(dir string) error {
	if _, ok := w.dirs[dir]; ok {
		return nil
	}
	above, base := splitPath(dir)
	if err := w.ensure(above); err != nil {
		return err
	}
	parent, err := w.stack.enter(above)
	if err != nil {
		return err
	}
	return w.mkdir(parent, base, op{path: dir, mode: 0o755})
}

func (w *treeWriter) mkdir(parent int, base string, o op) error {
	made, ok := w.dirs[o.path]
	if !ok {
		if err := posix.Mkdirat(parent, base, 0o700); err != nil {
			return entryError(o.path, err)
		}
		made.record = w.record(record{})
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
	w.record(record{entry: entryOf(o.path, &st), link: o.link})
	return nil
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

// entryError tells an archive that contradicts itself from a disk that fails.
func entryError(path string, err error) error {
	switch err { //nolint:errorlint // of a system call
	case posix.EEXIST:
		return fmt.Errorf("entry %q is there twice: %w", path, blob.ErrCorrupt)
	case posix.EINVAL, posix.ENAMETOOLONG, posix.ENOENT, posix.ENOTDIR, posix.ELOOP:
		return fmt.Errorf("entry %q cannot be made: %w: %w", path, err, blob.ErrCorrupt)
	default:
		return fmt.Errorf("making %q: %w", path, err)
	}
}

func timespec(t time.Time) posix.Timespec {
	return posix.Timespec{Sec: t.Unix(), Nsec: int64(t.Nanosecond())}
}
