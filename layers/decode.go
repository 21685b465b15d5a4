package layers

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory that a foreign zstd stream can ask for. It is
// what `zstd --ultra -22` needs.
const maxWindow = 128 << 20

// newDecoder undoes the compression that the first bytes announce. The media
// type is not asked: the lifecycle gives every layer the one for gzip.
func newDecoder(from io.Reader) (io.ReadCloser, error) {
	buffered := bufio.NewReaderSize(from, 64<<10)
	magic, err := buffered.Peek(4)
	if err != nil && len(magic) < 2 {
		if err == io.EOF {
			return io.NopCloser(buffered), nil
		}
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		decoder, err := newGzip(buffered)
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		return decoder, nil
	case isZstd(magic):
		decoder, err := zstd.NewReader(buffered, zstd.WithDecoderMaxWindow(maxWindow),
			zstd.WithDecoderConcurrency(2), zstd.IgnoreChecksum(true)) // sha256 is checked
		if err != nil {
			return nil, fmt.Errorf("zstd: %w", err)
		}
		return decoder.IOReadCloser(), nil
	default:
		return io.NopCloser(buffered), nil
	}
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
