package unpack

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// marks says how whiteouts are written.
type marks int

const (
	trustedMarks marks = iota // overlayfs mounted by root
	userMarks                 // overlayfs mounted with userxattr
	noMarks                   // what a whiteout names is removed
)

// tree is a directory into which one layer (or, without marks, all layers of an
// image one after the other) is unpacked. While it works, nobody else changes
// the directory, and all directories in it belong to the process and have mode
// 0700; finish gives them what the archive says.
type tree struct {
	root  bool // the effective user is 0
	euid  int
	egid  int
	owner func(uid, gid int) (int, int, bool)
	marks marks

	parents walker // where entries go; makes directories
	targets walker // where links point to
	dirs    map[string]attrs
	seen    map[string]bool // paths of this layer and their parents; without marks
	pending []link          // hard links that came before their target
	notes   map[string]int  // what could not be kept, and how often
	keep    *keeping        // what was there before and stays
	buf     []byte
	bound   *bounds.Archive // of the layer
	sparse  int64           // the size of its sparse files
}

// newTree starts with an empty directory.
func newTree(dir string, owner func(uid, gid int) (int, int, bool), m marks) (*tree, error) {
	fd, err := openDir(unix.AT_FDCWD, dir)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	t := &tree{
		owner: owner, marks: m,
		euid: os.Geteuid(), egid: os.Getegid(), root: os.Geteuid() == 0,
		dirs:  map[string]attrs{},
		seen:  map[string]bool{},
		notes: map[string]int{},
		buf:   make([]byte, chunkSize),
	}
	t.parents = walker{root: fd, follow: true, make: t.directory}
	t.targets = walker{root: fd, follow: true}
	t.dirs[""], err = t.implicit()
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// close gives up the descriptors.
func (t *tree) close() {
	t.parents.reset()
	t.targets.reset()
	unix.Close(t.parents.root)
}

// apply unpacks one layer. Of two entries with one name the later one stays; a
// whiteout hides what lower layers have and leaves what its own layer has,
// wherever it stands (OCI image specification, layer.md, "Whiteouts").
func (t *tree) apply(ctx context.Context, archive io.Reader) error {
	clear(t.seen)
	t.sparse = 0
	r := tar.NewReader(archive)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		hdr, err := r.Next()
		if errors.Is(err, io.EOF) {
			return t.linkPending(ctx)
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return &archiveError{err}
		}
		if err = t.bound.Entry(hdr.Name); err == nil {
			err = t.entry(hdr, r)
		}
		if t.keep.closed(hdr, err) {
			t.keepNote(path.Clean("/" + hdr.Name)[1:])
			continue
		}
		if err != nil {
			return fmt.Errorf("entry %s: %w", quote(hdr.Name), err)
		}
	}
}

// quote makes a name from an archive fit to be shown.
func quote(name string) string {
	const most = 200
	if len(name) > most {
		return strconv.Quote(name[:most]) + "…"
	}
	return strconv.Quote(name)
}

// entry unpacks one entry.
func (t *tree) entry(hdr *tar.Header, content io.Reader) error {
	if hdr.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name, err := clean(hdr.Name)
	if err != nil {
		return err
	}
	dir, base := splitLast(name)
	if t.keep.all(name) {
		t.keepNote(name)
		return nil
	}
	if isMark, err := t.mark(dir, base); isMark || err != nil {
		return err
	}
	a, err := t.attrs(hdr)
	if err != nil {
		return err
	}
	if name == "" {
		if hdr.Typeflag != tar.TypeDir {
			return errors.New("the root of a layer can only be a directory")
		}
		t.dirs[""] = a
		return nil
	}
	parent, err := t.parents.to(dir)
	if err != nil {
		return err
	}
	full := join(t.parents.path, base) // without symbolic links
	if t.keep.all(full) || hdr.Typeflag != tar.TypeDir && t.keep.some(full) {
		t.keepNote(full)
		return nil
	}
	t.see(full)
	switch hdr.Typeflag {
	case tar.TypeDir:
		if err := t.directory(parent, base, full); err != nil {
			return err
		}
		t.dirs[full] = a
		return nil
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		return t.regular(parent, base, hdr, &a, content)
	case tar.TypeLink:
		return t.hardLink(parent, base, link{name: name, target: hdr.Linkname})
	case tar.TypeSymlink, tar.TypeFifo, tar.TypeChar, tar.TypeBlock:
		return t.special(parent, base, hdr, &a)
	}
	return fmt.Errorf("unknown type %q", hdr.Typeflag)
}

// clean returns the name of an entry relative to the root, "" for the root.
func clean(name string) (string, error) {
	if len(name) >= unix.PathMax {
		return "", syscall.ENAMETOOLONG
	}
	rel := path.Clean(name)
	if rel == ".." || strings.HasPrefix(rel, "../") {
		return "", errors.New("the name leads out of the image")
	}
	return path.Clean("/" + rel)[1:], nil
}

// splitLast splits a clean name into directory and last component.
func splitLast(name string) (dir, base string) {
	dir, base = path.Split(name)
	return strings.TrimSuffix(dir, "/"), base
}

// directory makes base a directory unless it is one.
func (t *tree) directory(parent int, base, full string) error {
	err := unix.Mkdirat(parent, base, 0o700)
	if errors.Is(err, syscall.EEXIST) {
		var st unix.Stat_t
		if err := unix.Fstatat(parent, base, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return err
		}
		if st.Mode&unix.S_IFMT == unix.S_IFDIR {
			return nil
		}
		if err := t.remove(parent, base); err != nil {
			if t.stays(&st, err) {
				return nil
			}
			return err
		}
		err = unix.Mkdirat(parent, base, 0o700)
		if err == nil && isWhiteout(&st) {
			err = t.opaque(parent, base)
		}
	}
	if err != nil {
		return err
	}
	// Also when an earlier directory of that name had attributes.
	t.dirs[full], err = t.implicit()
	return err
}

// finish gives directories their owners, modes and times, now that nothing is
// put into them any more.
func (t *tree) finish() error {
	w := walker{root: t.parents.root}
	defer w.reset()
	// Backwards, so that children come before a parent that locks them up.
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(t.dirs))) {
		fd, err := w.to(name)
		if errors.Is(err, syscall.ENOENT) || isNotDir(err) {
			continue // replaced or removed later
		}
		if err != nil {
			return fmt.Errorf("directory %s: %w", quote(name), err)
		}
		a := t.dirs[name]
		if err := t.keep.forgive(unix.UtimesNanoAt(fd, ".", a.times(), 0)); err != nil {
			return fmt.Errorf("directory %s: set times: %w", quote(name), err)
		}
		if err := t.keep.forgive(t.finishFD(fd, &a)); err != nil {
			return fmt.Errorf("directory %s: %w", quote(name), err)
		}
	}
	return nil
}
