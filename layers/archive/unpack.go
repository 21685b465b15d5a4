package archive

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/internal/posix"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// Unpacked says what came out of an archive.
type Unpacked struct {
	// DiffID is the digest of the archive; "" if it was not asked for.
	DiffID string
	// Size is that of the archive in bytes.
	Size int64
	// Files counts the entries of the layer.
	Files int
	// Mode is the one of the layer's own directory, which does not have it yet.
	Mode uint32
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

// ParentMode is the mode for a directory above the layer, named as it is below the
// layers directory: what the archive says of it, and all rights of the owner.
func (u *Unpacked) ParentMode(dir string) fs.FileMode {
	for _, p := range u.parents {
		if strings.HasSuffix(path.Join("/", p.name), "/"+dir) {
			return fs.FileMode(p.mode&0o777 | 0o700)
		}
	}
	return 0o755
}

func parentEntryOf(h *tar.Header) parentEntry {
	return parentEntry{name: h.Name, mode: uint32(h.Mode & 0o7777), uid: h.Uid, gid: h.Gid}
}

// unpacker reads an archive and hands its entries to a treeWriter.
type unpacker struct {
	archive *archiveReader
	witness *blob.Witness
	paths   *entryPaths
	// ops leads to the treeWriter.
	ops    chan<- op
	result Unpacked
	first  bool
}

// opsAhead is how many entries the reading of an archive may be ahead of the making of
// its files.
const opsAhead = 256

// Request says what to unpack where.
type Request struct {
	Feed *blob.Feed
	// Dir is the layer's directory as the archive's names have it, below the layers
	// directory, Root the open one that is to become it.
	Dir  string
	Root *os.File
	// Key is that of the evidence.
	Key blob.Key
	// Digest asks for the diffID.
	Digest bool
}

// Unpack reads the archive of a layer to its end and makes its tree. An invalid
// archive, or one of another layer, gives an error that wraps blob.ErrCorrupt. The
// directory then has a part of the tree.
func Unpack(ctx context.Context, req Request) (Unpacked, error) {
	archive := &archiveReader{feed: req.Feed}
	if req.Digest {
		archive.hash = sha256.New()
	}
	parent := ctx
	group, ctx := errgroup.WithContext(ctx)
	ops := make(chan op, opsAhead)
	u := &unpacker{
		archive: archive,
		witness: blob.NewWitness(req.Key),
		paths:   newEntryPaths(req.Dir),
		ops:     ops,
		result:  Unpacked{Mode: 0o755, uniform: true},
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
		records, err = writeTree(ctx, int(req.Root.Fd()), ops)
		return err
	})
	err := group.Wait()
	u.result.Size, u.result.records = archive.size, records
	if archive.hash != nil {
		u.result.DiffID = blob.HashOf(archive.hash).String()
	}
	return u.result, cmp.Or(parent.Err(), err)
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
		if err := u.archive.feed.Entry(header.Name); err != nil {
			return fmt.Errorf("entry %.100q: %w", header.Name, err)
		}
		path, inside, err := u.paths.place(header)
		if err != nil {
			return fmt.Errorf("%w: %w", err, blob.ErrCorrupt)
		}
		if u.first {
			u.result.normalized = header.ModTime.Equal(NormalizedTime)
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
	u.result.Files++
	mode := usableMode(header, path)
	if path == "" {
		u.result.Mode = mode
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
			return fmt.Errorf("file %q is sparse: %w", header.Name, blob.ErrCorrupt)
		}
		return u.file(ctx, o, header.Size)
	case tar.TypeLink:
		return fmt.Errorf("%q is a hard link, which cache images do not have: %w", header.Name, blob.ErrCorrupt)
	default:
		return fmt.Errorf("%q is a device or something as special (type %q): %w", header.Name, header.Typeflag, blob.ErrCorrupt)
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
			_, _ = u.witness.Write(piece.data)
			rest -= int64(len(piece.data))
		}
		if piece.last = rest == 0; piece.last {
			piece.evidence = u.witness.Sum()
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
	if u.result.Files == 0 {
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
			return fmt.Errorf("%w: %w", err, blob.ErrCorrupt)
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
