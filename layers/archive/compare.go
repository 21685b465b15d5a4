package archive

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/pack-cache/pack-cache/layers/blob"
)

// Verdict says what became of a layer since its fingerprint was taken.
type Verdict struct {
	// Same is true if nothing changed but, at most, times.
	Same bool
	// added, removed and changed count entries.
	added, removed, changed int
	// read counts the files that had to be read to know.
	read int
}

// Reason is a clause for the user about a tree that is not the same.
func (v Verdict) Reason() string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{v.added, "new"}, {v.changed, "changed"}, {v.removed, "gone"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return "files: " + strings.Join(parts, ", ")
}

// Compare holds a tree as it is listed now against the fingerprint. A file whose times
// or inode moved is read again; whatever else differs is a change. The error is about
// the tree.
func (f *Fingerprint) Compare(ctx context.Context, tree *Tree) (Verdict, error) {
	var v Verdict
	known := lookup{records: f.records}
	stack := newDirStack(int(tree.root.Fd()))
	defer stack.close()
	reader := contentReader{stack: stack, witness: blob.NewWitness(f.Key), buffer: make([]byte, 256<<10)}
	for i := range tree.entries {
		e := &tree.entries[i]
		if e.isSocket() {
			continue
		}
		r := known.find(e.path)
		if r == nil {
			v.added++
			continue
		}
		if r.mode != e.mode || !e.isDir() && r.size != e.size {
			v.changed++
			continue
		}
		if e.isDir() || r.sameStat(e) && !f.doubtful(r) {
			continue // a directory's content are its entries, which are compared anyway
		}
		v.read++
		same, err := reader.same(r, e)
		if err = cmp.Or(ctx.Err(), err); err != nil {
			return v, err
		}
		if !same {
			v.changed++
		}
	}
	v.removed = len(f.records) - known.found
	v.Same = v.added+v.removed+v.changed == 0
	return v, nil
}

// lookup finds records by path. Both lists have the same order, so that the next
// record is the right one until something was added or removed.
type lookup struct {
	records []record
	next    int
	found   int
	byPath  map[string]int
}

func (l *lookup) find(path string) *record {
	if l.next >= len(l.records) || l.records[l.next].path != path {
		if l.byPath == nil {
			l.byPath = make(map[string]int, len(l.records))
			for i := range l.records {
				l.byPath[l.records[i].path] = i
			}
		}
		i, ok := l.byPath[path]
		if !ok {
			return nil
		}
		l.next = i
	}
	l.next++
	l.found++
	return &l.records[l.next-1]
}

// sameStat reports whether nothing points to a change.
func (r *record) sameStat(e *entry) bool {
	return r.inode == e.inode && r.nlink == e.nlink && r.mtime == e.mtime && r.ctime == e.ctime
}

// contentReader compares entries of a tree by their content.
type contentReader struct {
	stack   *dirStack
	witness *blob.Witness
	buffer  []byte
}

// same reports whether an entry has the content that it had.
func (c *contentReader) same(r *record, e *entry) (bool, error) {
	dir, base := splitPath(e.path)
	fd, err := c.stack.enter(dir)
	if err != nil {
		return false, err
	}
	if e.isSymlink() {
		link, err := readLink(fd, base)
		return link == r.link, err
	}
	file, err := openFile(fd, base, e)
	if err != nil {
		return false, err
	}
	defer file.Close()
	return c.witness.Holds(r.evidence, io.LimitReader(file, e.size), c.buffer)
}
