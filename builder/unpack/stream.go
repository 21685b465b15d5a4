package unpack

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

const (
	chunkSize = 256 << 10
	// ahead is how many chunks are fetched and decompressed before they are
	// asked for.
	ahead = 8
)

// stream is the archive inside a layer, fetched, decompressed and hashed by a
// goroutine of its own. It returns io.EOF only when everything was verified, up
// to the last byte of blob and archive.
type stream struct {
	chunks chan *[]byte
	pool   *sync.Pool
	stop   context.CancelFunc
	err    error // of the goroutine; readable when chunks is closed
	chunk  *[]byte
	rest   []byte // of chunk
	bound  *bounds.Archive
}

// stream begins to fetch a layer. The caller closes what it returns.
func (s *Store) stream(ctx context.Context, l layer) *stream {
	ctx, cancel := context.WithCancel(ctx)
	st := &stream{chunks: make(chan *[]byte, ahead), pool: &s.chunks, stop: cancel}
	var err error
	st.bound, err = bounds.NewArchive(l.size, -1, s.dir)
	go func() {
		defer close(st.chunks)
		if st.err = err; err != nil {
			return
		}
		b := newBlob(ctx, l, s.rule)
		defer b.closeBody()
		st.err = st.pump(ctx, b)
	}()
	return st
}

// pump sends the whole archive.
func (s *stream) pump(ctx context.Context, b *blob) error {
	sum := sha256.New()
	err := s.send(ctx, b, sum)
	// Damage in the blob explains any other error, and what follows the
	// compressed data belongs to the blob, too.
	if err := b.drain(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	got := hex.EncodeToString(sum.Sum(nil))
	switch {
	case got == b.layer.diffID.Hex:
		return nil // all is there, whatever follows it
	case errors.Is(err, bounds.ErrExceeded):
		return &BoundError{Layer: b.layer.digest, err: err}
	case err != nil:
		return fmt.Errorf("layer %s: decompress: %w", b.layer.digest, err)
	}
	return &DigestError{Layer: b.layer.digest, What: "diffID", Want: b.layer.diffID.String(), Got: "sha256:" + got}
}

// send decompresses, hashes and sends until the end or an error.
func (s *stream) send(ctx context.Context, b *blob, sum hash.Hash) error {
	mediaType, err := b.layer.MediaType()
	if err != nil {
		return err
	}
	archive, err := decompress(bufio.NewReaderSize(b, chunkSize), string(mediaType))
	if err != nil {
		return err
	}
	defer archive.Close()
	for {
		chunk := s.pool.Get().(*[]byte)
		n, err := fillBuffer(s.bound.Reader(archive), (*chunk)[:chunkSize])
		*chunk = (*chunk)[:n]
		sum.Write(*chunk)
		select {
		case s.chunks <- chunk:
		case <-ctx.Done():
			return ctx.Err()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// fillBuffer reads until p is full or an error comes, which it returns as it is.
func fillBuffer(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = r.Read(p[n:])
		n += m
	}
	return n, err
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.chunk != nil {
			s.pool.Put(s.chunk)
			s.chunk = nil
		}
		chunk, ok := <-s.chunks
		if !ok {
			if s.err != nil {
				return 0, s.err
			}
			return 0, io.EOF
		}
		s.chunk, s.rest = chunk, *chunk
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// drain reads to the end and returns nil if everything was verified.
func (s *stream) drain() error {
	for {
		if s.rest = nil; s.chunk != nil {
			s.pool.Put(s.chunk)
			s.chunk = nil
		}
		chunk, ok := <-s.chunks
		if !ok {
			return s.err
		}
		s.chunk = chunk
	}
}

// decompress returns the archive inside a blob. What the bytes say counts more
// than the media type, which some tools get wrong; the diffID tells whether it
// was right.
func decompress(r *bufio.Reader, mediaType string) (io.ReadCloser, error) {
	magic, err := r.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case strings.HasPrefix(string(magic), "\x1f\x8b"):
		return gzip.NewReader(r)
	case strings.HasPrefix(string(magic), "\x28\xb5\x2f\xfd"), strings.HasSuffix(mediaType, "zstd"):
		// One layer keeps one CPU busy; there are others.
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(bounds.MaxWindow))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return io.NopCloser(r), nil
}
