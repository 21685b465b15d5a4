package inside

import (
	"encoding/binary"
	"fmt"
	"io"
)

// maxFrame is how much of a standard input one frame carries in bytes.
const maxFrame = 64 << 10

// CopyFrames sends what can be read from r as frames, each with its length
// before it, and an empty one at the end. It returns nil when r is at its end.
func CopyFrames(w io.Writer, r io.Reader) error {
	buffer := make([]byte, 4+maxFrame)
	for {
		n, err := r.Read(buffer[4:])
		if n > 0 || err == io.EOF {
			binary.BigEndian.PutUint32(buffer, uint32(n))
			if _, err := w.Write(buffer[:4+n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF && n > 0:
			_, err = w.Write(make([]byte, 4))
			return err
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// readFrame receives a frame, into the buffer if it is long enough.
func readFrame(r io.Reader, buffer []byte) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(head[:]))
	switch {
	case size > maxOrder:
		return nil, fmt.Errorf("a frame of %d bytes", size)
	case size > len(buffer):
		buffer = make([]byte, size)
	}
	_, err := io.ReadFull(r, buffer[:size])
	return buffer[:size], err
}
