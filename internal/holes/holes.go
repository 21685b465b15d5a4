// Package holes writes files in which long runs of zeros are holes: they take no
// room, and read as zeros. What was a hole before it went into an archive is one
// again.
package holes

import (
	"bytes"

	"github.com/pack-cache/pack-cache/internal/posix"
)

// Step is the size in bytes of the pieces, counted from the beginning of a file,
// that become holes if there is nothing but zeros in them. With smaller ones, files
// that have a page of zeros here and there would lie in many pieces on the disk.
const Step = 64 << 10

// FineStep is Step for files that are known to have had holes.
const FineStep = 4 << 10

// Writer writes a new file from its beginning to its end. It is not safe for
// concurrent use.
type Writer struct {
	fd, step int
	// at is where the next byte goes, written the end of what was written.
	at, written int64
}

// NewWriter begins to write the file with the descriptor fd, which is empty,
// in pieces of step bytes: Step or FineStep.
func NewWriter(fd, step int) Writer { return Writer{fd: fd, step: step} }

// Write implements io.Writer.
func (w *Writer) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		data, zeros := split(p, w.step-int(w.at%int64(w.step)), w.step)
		if err := w.write(p[:data]); err != nil {
			return n - len(p), err
		}
		w.at += int64(zeros)
		p = p[data+zeros:]
	}
	return n, nil
}

// split returns how many bytes at the beginning of p are to be written, and how
// many zeros behind them are not. The first piece has first bytes, all others step.
func split(p []byte, first, step int) (data, zeros int) {
	for at, size := 0, first; at < len(p); at, size = at+size, step {
		size = min(size, len(p)-at)
		switch {
		case allZeros(p[at : at+size]):
			zeros += size
		case zeros > 0:
			return data, zeros
		default:
			data += size
		}
	}
	return data, zeros
}

var zeroStep [Step]byte

// allZeros looks at the ends first: most pieces have something there.
func allZeros(p []byte) bool {
	return p[0] == 0 && p[len(p)-1] == 0 && p[len(p)/2] == 0 && bytes.Equal(p, zeroStep[:len(p)])
}

func (w *Writer) write(p []byte) error {
	for len(p) > 0 {
		n, err := posix.Pwrite(w.fd, p, w.at)
		if err == posix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		p = p[n:]
		w.at += int64(n)
		w.written = w.at
	}
	return nil
}

// Finish gives the file its size, if it ends with a hole.
func (w *Writer) Finish() error {
	if w.written == w.at {
		return nil
	}
	return posix.Ftruncate(w.fd, w.at)
}
