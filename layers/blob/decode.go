package blob

import (
	"bufio"
	"bytes"
	"context"
	"io"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// formOf recognises the compression that the first bytes announce.
func formOf(from *bufio.Reader) (form, error) {
	magic, err := from.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return &gzipForm{}, nil
	case isZstd(magic):
		return newZstdForm()
	case err != nil && err != io.EOF:
		return nil, err
	}
	return plainForm{}, nil
}

// isZstd recognises a frame and a skippable frame (RFC 8878, 3.1).
func isZstd(magic []byte) bool {
	if len(magic) < 4 {
		return false
	}
	frame := bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd})
	skippable := magic[0]&0xf0 == 0x50 && bytes.Equal(magic[1:], []byte{0x2a, 0x4d, 0x18})
	return frame || skippable
}

// plainForm is no compression.
type plainForm struct{}

func (plainForm) fetch(*bufio.Reader, []byte) ([]byte, int, error) { return nil, 0, nil }

func (plainForm) decode([]byte, []byte) error { return nil }

func (plainForm) rest(from *bufio.Reader) (io.ReadCloser, error) { return io.NopCloser(from), nil }

// NewDecoder returns a reader of what a blob decodes to, up to a bound. Its errors are
// those of a Feed. It has to be closed, and does not close the blob.
func NewDecoder(from *Reader, bound *bounds.Archive) (io.ReadCloser, error) {
	f, err := NewFeed(context.Background(), from, bound, nil)
	if err != nil {
		return nil, err
	}
	return &feedReader{feed: f}, nil
}

// feedReader reads what a feed hands out.
type feedReader struct {
	feed  *Feed
	block *Block
	data  []byte
}

// Read implements io.Reader.
func (r *feedReader) Read(p []byte) (int, error) {
	for len(r.data) == 0 {
		r.release()
		b, size, err := r.feed.Next()
		if err != nil {
			return 0, err
		}
		r.block, r.data = b, b.Data[:size]
	}
	n := copy(p, r.data)
	r.data = r.data[n:]
	return n, nil
}

func (r *feedReader) release() {
	r.block.Release()
	r.block = nil
}

// Close implements io.Closer.
func (r *feedReader) Close() error {
	r.data = nil
	r.release()
	r.feed.Close()
	return nil
}
