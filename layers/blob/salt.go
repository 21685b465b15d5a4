package blob

import (
	"crypto/rand"
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/gzip"
)

// A store has one blob for a digest, and most stores keep the one they have. So a
// layer whose blob is damaged there is stored as another blob with the same
// archive: a salt follows the compressed frames, which decodes to nothing.

// skippableMagic begins a zstd frame that readers skip (RFC 8878, 3.1.2).
const skippableMagic = 0x184D2A50

// Salts reports whether blobs of a codec can have a salt.
func (c Codec) Salts() bool { return c == Zstd || c == Gzip }

// writeSalt writes a frame that decodes to nothing and is never the same twice.
func (c Codec) writeSalt(to io.Writer) error {
	text := rand.Text()
	if c == Gzip {
		member := gzip.NewWriter(to)
		member.Comment = text
		return member.Close()
	}
	frame := binary.LittleEndian.AppendUint32(nil, skippableMagic)
	frame = binary.LittleEndian.AppendUint32(frame, uint32(len(text)))
	_, err := to.Write(append(frame, text...))
	return err
}
