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
	// evidence of regular files and targets of symbolic links by path.
	evidence map[string]evidence
	links    map[string]string
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
	tar   *tar.Reader
	hash  *tarHash
	paths *entryPaths
	// ops leads to the treeWriter.
	ops    chan<- op
	blocks *blockPool
	block  *block
	used   int
	result unpacked
	first  bool
}

// unpack reads the archive of the layer dir to its end and makes its tree below
// root. hash gets to see every byte of it.
func unpack(ctx context.Context, archive io.Reader, hash *tarHash, dir string, root int) (unpacked, error) {
	group, ctx := errgroup.WithContext(ctx)
	ops := make(chan op, 256)
	counted := &countingReader{from: io.TeeReader(archive, hash)}
	u := &unpacker{
		tar:    tar.NewReader(counted),
		hash:   hash,
		paths:  newEntryPaths(dir),
		ops:    ops,
		blocks: newBlockPool(8, blockSize),
		result: unpacked{mode: 0o755, evidence: map[string]evidence{}, links: map[string]string{}, uniform: true},
		first:  true,
	}
	group.Go(func() error {
		defer close(ops)
		if err := u.readEntries(ctx); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, counted) // the diffID is of everything
		return err
	})
	group.Go(func() error { return writeTree(ctx, root, ops) })
	err := group.Wait()
	u.result.size = counted.read
	return u.result, err
}

func (u *unpacker) readEntries(ctx context.Context) error {
	for {
		header, err := u.tar.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return archiveError(err)
		}
		if header.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		path, inside, err := u.paths.place(header)
		if err != nil {
			return fmt.Errorf("%w: %w", err, ErrCorrupt)
		}
		if u.first {
			u.result.normalized = header.ModTime.Equal(normalizedTime)
			u.first = false
		}
		if !inside {
			u.result.parents = append(u.result.parents, parentEntryOf(header))
			continue
		}
		if err := u.entry(ctx, header, path); err != nil {
			return err
		}
	}
}

// entry sends one entry of the layer to the tree.
func (u *unpacker) entry(ctx context.Context, header *tar.Header, path string) error {
	u.noteOwner(header)
	u.result.files++
	if path == "" {
		u.result.mode = uint32(header.Mode & 0o7777)
	}
	o := op{path: path, mode: uint32(header.Mode & 0o7777), last: true}
	// Times that mean nothing are older than every source: what is made of one
	// that has changed since is made again, as after the lifecycle's restore.
	o.mtime, o.setTime = timespec(header.ModTime), true
	switch header.Typeflag {
	case tar.TypeDir:
		o.kind = posix.S_IFDIR
		return u.send(ctx, o)
	case tar.TypeSymlink:
		o.kind, o.link = posix.S_IFLNK, header.Linkname
		u.result.links[path] = header.Linkname
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

// file sends a regular file in pieces and keeps the evidence of its content.
func (u *unpacker) file(ctx context.Context, o op, size int64) error {
	var e evidence
	var err error
	if e.state, err = u.hash.state(); err != nil {
		return err
	}
	for rest := size; ; {
		piece := o
		if rest > 0 {
			if err := u.room(ctx, rest); err != nil {
				return err
			}
			n := min(rest, int64(blockSize-u.used))
			piece.data = u.block.data[u.used : u.used+int(n)]
			if _, err := io.ReadFull(u.tar, piece.data); err != nil {
				return archiveError(err)
			}
			u.used += int(n)
			rest -= n
			piece.block = u.block
			u.block.refs.Add(1)
		}
		piece.last = rest == 0
		if err := u.send(ctx, piece); err != nil {
			return err
		}
		if rest == 0 {
			break
		}
		o.more = true
	}
	e.sum = u.hash.sum()
	u.result.evidence[o.path] = e
	return nil
}

// room makes sure that the current block has space for a good part of size.
func (u *unpacker) room(ctx context.Context, size int64) error {
	free := blockSize - u.used
	if u.block != nil && (size <= int64(free) || free > blockSize/4) {
		return nil
	}
	if u.block != nil {
		u.blocks.release(u.block)
	}
	var err error
	u.block, err = u.blocks.get(ctx)
	u.used = 0
	return err
}

func (u *unpacker) send(ctx context.Context, o op) error {
	if o.block != nil {
		o.pool = u.blocks
	}
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
	for _, own := range []error{tar.ErrHeader, tar.ErrFieldTooLong, tar.ErrWriteTooLong, io.ErrUnexpectedEOF} {
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
