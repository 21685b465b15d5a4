package inside

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// errGoodbye is what a reader of frames gets when the other side has heard
// everything.
var errGoodbye = errors.New("goodbye")

// goodbye is the head of a frame that nothing follows.
const goodbye = ^uint32(0)

// WriteGoodbye tells the process of a phase or of copies that all that it wrote has
// been heard. It may be called while CopyFrames writes to w.
func WriteGoodbye(w io.Writer) error {
	_, err := w.Write(binary.BigEndian.AppendUint32(nil, goodbye))
	return err
}

// markOf is what such a process writes at the end of a stream. A phase does not
// know the secret.
func markOf(secret string) []byte { return []byte("\x00" + secret + "\n") }

// Ending is a writer for a stream of such a process. It takes the mark at its end
// out, with what follows, and passes the rest on at once. It goes on when Rest has
// failed, without it: the process must come to its end.
type Ending struct {
	Secret string
	// Whole is called when the mark has come.
	Whole func()
	// Rest takes what the process writes.
	Rest io.Writer

	held         []byte // what may be the beginning of the mark
	over, failed bool
}

// Write implements io.Writer.
func (e *Ending) Write(p []byte) (int, error) {
	if e.over {
		return len(p), nil
	}
	mark := markOf(e.Secret)
	data := slices.Concat(e.held, p)
	end := bytes.Index(data, mark)
	if e.over = end >= 0; !e.over {
		end = len(data) - beginning(data, mark)
	}
	e.held = data[end:]
	e.pass(data[:end])
	if e.over {
		e.held = nil
		e.Whole()
	}
	return len(p), nil
}

// Flush passes on what turned out to be no mark. It is called at the end.
func (e *Ending) Flush() {
	e.pass(e.held)
	e.held = nil
}

func (e *Ending) pass(data []byte) {
	if len(data) > 0 && !e.failed {
		_, err := e.Rest.Write(data)
		e.failed = err != nil
	}
}

// beginning is the length of the longest end of data that mark begins with.
func beginning(data, mark []byte) int {
	for n := min(len(data), len(mark)-1); n > 0; n-- {
		if bytes.HasPrefix(mark, data[len(data)-n:]) {
			return n
		}
	}
	return 0
}
