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

// frames reads what CopyFrames sends.
type frames struct {
	from io.Reader
	left int // of the frame that is being read
	end  bool
}

// Read implements io.Reader.
func (f *frames) Read(p []byte) (int, error) {
	for f.left == 0 {
		if f.end {
			return 0, io.EOF
		}
		size, err := readHead(f.from)
		if err != nil {
			return 0, err
		}
		f.left, f.end = size, size == 0
	}
	n, err := f.from.Read(p[:min(len(p), f.left)])
	f.left -= n
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// readHead receives the length of a frame.
func readHead(r io.Reader) (int, error) {
	var head [4]byte
	switch _, err := io.ReadFull(r, head[:]); {
	case err == io.EOF:
		return 0, io.ErrUnexpectedEOF
	case err != nil:
		return 0, err
	}
	size := binary.BigEndian.Uint32(head[:])
	switch {
	case size == goodbye:
		return 0, errGoodbye
	case size > maxOrder:
		return 0, fmt.Errorf("a frame of %d bytes", size)
	}
	return int(size), nil
}

// readFrame receives a frame, into the buffer if it is long enough.
func readFrame(r io.Reader, buffer []byte) ([]byte, error) {
	size, err := readHead(r)
	if err != nil {
		return nil, err
	}
	if size > len(buffer) {
		buffer = make([]byte, size)
	}
	_, err = io.ReadFull(r, buffer[:size])
	return buffer[:size], err
}
