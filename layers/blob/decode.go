package blob

import (
	"bufio"
	"bytes"
	"io"
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
