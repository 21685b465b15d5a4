package layers

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/internal/posix"
)

// unpacked says what came out of an archive.
type unpacked struct {
	size  int64 // of the archive
	files int   // entries of the layer
	// mode is the one of the layer's own directory.
	mode uint32
	// records are what the layer looks like, its own directory first.
	records []record
	// normalized says that the archive's times mean nothing.
	normalized bool
	// parents are the directories above the layer as the archive has them.
	parents []parentEntry
	// uid and gid are the owner that all entries of the layer name.
	uid, gid int
	// uniform is false if the entries name different owners.
	uniform bool
}

// parentEntry is a directory above a layer, as an archive describes it.
type parentEntry struct {
	name     string
	mode     uint32
	uid, gid int
}

func parentEntryOf(h *tar.Header) parentEntry {
	return parentEntry{name: h.Name, mode: uint32(h.Mode & 0o7777), uid: h.Uid, gid: h.Gid}
}

// unpacker reads an archive and hands its entries to a treeWriter.
type unpacker struct {
	archive *archiveReader
	witness *witness
	paths   *entryPaths
	// ops leads to the treeWriter.
	ops    chan<- op
	result unpacked
	first  bool
}

// unpack reads the archive of the layer dir to its end and makes its tree below
// root. The result has a record of everything but the layer's own directory, with
// evidence under the key.
func unpack(ctx context.Context, archive *archiveReader, dir string, root int, key evidenceKey) (unpacked, error) {
	group, ctx := errgroup.WithContext(ctx)
	ops := make(chan op, 256)
	u := &unpacker{
		archive: archive,
		witness: newWitness(key),
		paths:   newEntryPaths(dir),
		ops:     ops,
		result:  unpacked{mode: 0o755, uniform: true},
		first:   true,
	}
	group.Go(func() error {
		defer close(ops)
		defer archive.release()
		if err := u.readEntries(ctx); err != nil {
			return err
		}
		return archive.drain() // the diffID is of everything
	})
	var records []record
	group.Go(func() (err error) {
		records, err = writeTree(ctx, root, ops)
		return err
	})
	err := group.Wait()
	u.result.size, u.result.records = archive.size, records
	return u.result, err
}

func (u *unpacker) readEntries(ctx context.Context) error {
	headers := &headerReader{from: u.archive}
	for {
		header := new(tar.Header)
		err := headers.next(header)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return archiveError(err)
		}
		if err := u.archive.bound.Entry(header.Name); err != nil {
			return overBound(fmt.Errorf("entry %.100q: %w", header.Name, err))
		}
		path, inside, err := u.paths.place(header)
		if err != nil {
			return fmt.Errorf("%w: %w", err, ErrCorrupt)
		}
		if u.first {
			u.result.normalized = header.ModTime.Equal(normalizedTime)
			u.first = false
		}
		if inside {
			err = u.entry(ctx, header, path)
		} else {
			u.result.parents = append(u.result.parents, parentEntryOf(header))
		}
		if err != nil {
			return err
		}
	}
}

// entry sends one entry of the layer to the tree.
func (u *unpacker) entry(ctx context.Context, header *tar.Header, path string) error {
	u.noteOwner(header)
	u.result.files++
	mode := usableMode(header, path)
	if path == "" {
		u.result.mode = mode
	}
	o := op{path: path, mode: mode, last: true}
	// Times that mean nothing are older than every source: what is made of one
	// that has changed since is made again, as after the lifecycle's restore.
	o.mtime, o.setTime = timespec(header.ModTime), true
	switch header.Typeflag {
	case tar.TypeDir:
		o.kind = posix.S_IFDIR
		return u.send(ctx, o)
	case tar.TypeSymlink:
		o.kind, o.link = posix.S_IFLNK, header.Linkname
		return u.send(ctx, o)
	case tar.TypeReg:
		o.kind = posix.S_IFREG
		if isSparse(header) {
			return fmt.Errorf("file %q is sparse: %w", header.Name, ErrCorrupt)
		}
		return u.file(ctx, o, header.Size)
	case tar.TypeLink:
		return fmt.Errorf("%q is a hard link, which cache images do not have: %w", header.Name, ErrCorrupt)
	default:
		return fmt.Errorf("%q is a device or something as special (type %q): %w", header.Name, header.Typeflag, ErrCorrupt)
	}
}

// usableMode is the mode of an entry, with all rights of the owner if there are not
// even those to read it: no build can have made that, because the build user has to
// read what is saved, and a build that finds it could not go on. In the layer's own
// directory, buildpacks make and remove things in every build.
func usableMode(header *tar.Header, path string) uint32 {
	mode := uint32(header.Mode & 0o7777)
	switch isDir := header.Typeflag == tar.TypeDir; {
	case isDir && (path == "" || mode&0o500 != 0o500):
		mode |= 0o700
	case !isDir && mode&0o400 == 0:
		mode |= 0o600
	}
	return mode
}

// file sends a regular file in pieces, with the evidence of its content behind
// the last one.
func (u *unpacker) file(ctx context.Context, o op, size int64) error {
	for rest := size; ; {
		piece := o
		if rest > 0 {
			var err error
			if piece.data, piece.block, err = u.archive.take(rest); err != nil {
				return archiveError(err)
			}
			piece.pool = u.archive.feed.pool
			u.witness.Write(piece.data)
			rest -= int64(len(piece.data))
		}
		if piece.last = rest == 0; piece.last {
			piece.evidence = u.witness.sum()
		}
		if err := u.send(ctx, piece); err != nil {
			return err
		}
		if rest == 0 {
			break
		}
		o.more = true
	}
	return archiveError(u.archive.skip(-size & (tarBlock - 1)))
}

func (u *unpacker) send(ctx context.Context, o op) error {
	select {
	case u.ops <- o:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (u *unpacker) noteOwner(header *tar.Header) {
	if u.result.files == 0 {
		u.result.uid, u.result.gid = header.Uid, header.Gid
	} else if header.Uid != u.result.uid || header.Gid != u.result.gid {
		u.result.uniform = false
	}
}

// archiveError marks what the tar reader itself finds wrong. Whatever comes from
// further down has its meaning already.
func archiveError(err error) error {
	for _, own := range []error{errHeader, io.ErrUnexpectedEOF} {
		if errors.Is(err, own) {
			return fmt.Errorf("%w: %w", err, ErrCorrupt)
		}
	}
	return err
}

// isSparse recognises files whose archive is smaller than they are. A few bytes
// of it would fill any disk, and nothing that makes layers writes them.
func isSparse(header *tar.Header) bool {
	if header.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range header.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}
