package blob

import (
	"errors"
	"hash"
	"io"
	"strconv"

	"github.com/containerd/stargz-snapshotter/estargz"
	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"
)

// eStargz is gzip in members, one for each file, behind whose archive there is a
// table of contents in a member of its own. A reader of archives stops before it, but it is part of
// what is compressed: the diffID of an eStargz layer is not that of its archive.
// So
//
//   - an image config and the cache metadata name such a layer by its diffID, as
//     that of any other blob, and every reader finds it;
//   - an annotation of the blob says what its archive is, by which a layer is
//     recognised whatever it is compressed with;
//   - a launch layer, whose diffID has to be that of the app image's, is never
//     written as eStargz, but as gzip.

// stargz turns the bytes of one archive into eStargz.
type stargz struct {
	*io.PipeWriter
	group  errgroup.Group
	writer *estargz.Writer
	table  *tableCompressor
}

// newStargz begins to write to to. The level is gzip's.
func newStargz(to io.Writer, level int) *stargz {
	reader, writer := io.Pipe()
	table := &tableCompressor{GzipCompressor: estargz.NewGzipCompressorWithLevel(level), level: level}
	z := &stargz{PipeWriter: writer, writer: estargz.NewWriterWithCompressor(to, table), table: table}
	z.group.Go(func() error {
		err := z.writer.AppendTarLossLess(reader)
		if err == nil {
			_, err = io.Copy(io.Discard, reader)
		}
		reader.CloseWithError(errors.Join(err, io.ErrClosedPipe))
		return err
	})
	return z
}

// finish writes the table, unless err says that there is no whole archive, and
// returns the diffID and the annotations of an archive of size bytes with the
// given digest.
func (z *stargz) finish(archive string, size int64, err error) (string, map[string]string, error) {
	z.CloseWithError(err)
	if written := z.group.Wait(); err == nil {
		err = written
	}
	if err != nil {
		return "", nil, err
	}
	toc, err := z.writer.Close()
	if err != nil {
		return "", nil, err
	}
	return z.writer.DiffID(), map[string]string{
		archiveAnnotation:                       archive,
		sizeAnnotation:                          strconv.FormatInt(size, 10),
		estargz.TOCJSONDigestAnnotation:         toc.String(),
		estargz.StoreUncompressedSizeAnnotation: strconv.FormatInt(size+z.table.size, 10),
	}, nil
}

// tableCompressor is the compressor of estargz with a faster gzip. It notes how
// large the table is.
type tableCompressor struct {
	*estargz.GzipCompressor
	level int
	// gzip writes one member after the other: there is one for each file.
	gzip *gzip.Writer
	size int64
}

// Writer implements estargz.Compressor. What it returned before has to be closed.
func (c *tableCompressor) Writer(to io.Writer) (estargz.WriteFlushCloser, error) {
	if c.gzip != nil {
		c.gzip.Reset(to)
		return c.gzip, nil
	}
	var err error
	c.gzip, err = gzip.NewWriterLevel(to, c.level)
	return c.gzip, err
}

// WriteTOCAndFooter implements estargz.Compressor.
func (c *tableCompressor) WriteTOCAndFooter(to io.Writer, offset int64, toc *estargz.JTOC, diffHash hash.Hash) (digest.Digest, error) {
	counting := &countingHash{Hash: diffHash}
	sum, err := c.GzipCompressor.WriteTOCAndFooter(to, offset, toc, counting)
	c.size = counting.written
	return sum, err
}

type countingHash struct {
	hash.Hash
	written int64
}

// Write implements io.Writer.
func (h *countingHash) Write(p []byte) (int, error) {
	h.written += int64(len(p))
	return h.Hash.Write(p)
}
