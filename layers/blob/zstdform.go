package blob

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// zstdForm is zstd. A frame that says that it decodes to a block at most is a
// part.
type zstdForm struct{ decoder *zstd.Decoder }

var _ form = (*zstdForm)(nil)

const (
	// maxZstdHeader is the length of the longest frame header (RFC 8878, 3.1.1).
	maxZstdHeader = 18
	// maxZstdBlock is how long a block's content can be (RFC 8878, 3.1.1.2).
	maxZstdBlock = 128 << 10
)

func newZstdForm() (*zstdForm, error) {
	decoder, err := newZstdDecoder(nil, 0)
	return &zstdForm{decoder}, err
}

// newZstdDecoder makes a decoder for a stream or, from nil, for many frames at
// once. Checksums are left out: everything has a sha256.
func newZstdDecoder(from io.Reader, concurrency int) (*zstd.Decoder, error) {
	decoder, err := zstd.NewReader(from, zstd.WithDecoderMaxWindow(bounds.MaxWindow),
		zstd.WithDecoderConcurrency(concurrency), zstd.IgnoreChecksum(true))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return decoder, nil
}

func (z *zstdForm) fetch(from *bufio.Reader, packed []byte) ([]byte, int, error) {
	start, err := from.Peek(maxZstdHeader)
	if err != nil && err != io.EOF {
		return nil, 0, err
	}
	var header zstd.Header
	if header.Decode(start) != nil || header.Skippable || !header.HasFCS || header.FrameContentSize > blockSize {
		return nil, 0, nil // the decoder of streams finds out what it is
	}
	packed, err = readOn(from, packed[:0], header.HeaderSize)
	for last := false; err == nil && !last; {
		// A block: three bytes that say how long it is, and its content (RFC 8878,
		// 3.1.1.2).
		if packed, err = readOn(from, packed, 3); err != nil {
			break
		}
		word := packed[len(packed)-3:]
		field := int(word[0]) | int(word[1])<<8 | int(word[2])<<16
		last = field&1 == 1
		size := field >> 3
		if kind := field >> 1 & 3; kind == 1 { // one byte that is repeated
			size = 1
		}
		if size > maxZstdBlock || len(packed) > maxMember {
			return nil, 0, errors.New("zstd: invalid frame")
		}
		packed, err = readOn(from, packed, size)
	}
	if err == nil && header.HasCheckSum {
		packed, err = readOn(from, packed, 4)
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return packed, int(header.FrameContentSize), err
}

// readOn appends the next n bytes to data.
func readOn(from *bufio.Reader, data []byte, n int) ([]byte, error) {
	have := len(data)
	data = slices.Grow(data, n)[:have+n]
	_, err := io.ReadFull(from, data[have:])
	return data, err
}

func (z *zstdForm) decode(part, raw []byte) error {
	out, err := z.decoder.DecodeAll(part, raw[:0])
	if err != nil {
		return fmt.Errorf("zstd: %w", err)
	}
	if len(out) != len(raw) || len(raw) > 0 && &out[0] != &raw[0] {
		return errors.New("zstd: a frame has another size than it says")
	}
	return nil
}

func (z *zstdForm) rest(from *bufio.Reader) (io.ReadCloser, error) {
	if _, err := from.Peek(1); err != nil {
		return nil, err
	}
	decoder, err := newZstdDecoder(from, 2)
	if err != nil {
		return nil, err
	}
	return decoder.IOReadCloser(), nil
}
