package blob

import (
	"encoding/binary"
	"io"
	"runtime"

	"github.com/klauspost/compress/zstd"
)

// zstdCompressor makes zstd frames.
type zstdCompressor struct{ encoder *zstd.Encoder }

func newZstdCompressor(c Compression) (compressor, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(c.zstdLevel()),
		zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)), zstd.WithWindowSize(frameSize), zstd.WithEncoderCRC(false))
	return zstdCompressor{encoder}, err
}

func (z zstdCompressor) compress(raw, packed []byte) []byte {
	return z.encoder.EncodeAll(raw, packed[:0])
}

func (c Compression) zstdLevel() zstd.EncoderLevel {
	if c.Level == nil {
		return zstd.SpeedFastest
	}
	if *c.Level == 0 { // as in the zstd tool: "the default", which is 3
		return zstd.SpeedDefault
	}
	return zstd.EncoderLevelFromZstd(*c.Level)
}

// skippableMagic begins a zstd frame that readers skip (RFC 8878, 3.1.2).
const skippableMagic = 0x184D2A50

func saltZstd(to io.Writer, text string) error {
	frame := binary.LittleEndian.AppendUint32(nil, skippableMagic)
	frame = binary.LittleEndian.AppendUint32(frame, uint32(len(text)))
	_, err := to.Write(append(frame, text...))
	return err
}
