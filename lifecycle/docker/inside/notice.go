package inside

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"

	"github.com/pack-cache/pack-cache/internal/hint"
)

// writeNotice sends a notice in a line of its own.
func writeNotice(w io.Writer, secret string, n Notice) error {
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	line := append([]byte(secret), data...)
	_, err = w.Write(append(line, '\n'))
	return err
}

// noticeOf is what there is to say about a failure.
func noticeOf(err error) Notice {
	n := Notice{Error: err.Error(), Remedy: hint.Of(err), Missing: errors.Is(err, fs.ErrNotExist)}
	_, n.Misplaced = errors.AsType[*misplaced](err)
	return n
}

// misplaced says that the image has something where a mount has to be.
type misplaced struct{ target string }

func (m *misplaced) Error() string {
	return "the image has something in the way at " + m.target
}

// Notices is a writer for the standard error of a process that was given an
// order. It takes the notices out, which come before anything else, and passes
// the rest on.
type Notices struct {
	Secret string
	// Notice is called for each notice.
	Notice func(Notice)
	// Rest takes what the phase writes.
	Rest io.Writer

	line []byte // what has come of a line that may be a notice
	over bool   // there are no more notices
}

// Write implements io.Writer.
func (s *Notices) Write(p []byte) (int, error) {
	if s.over {
		return s.Rest.Write(p)
	}
	s.line = append(s.line, p...)
	for len(s.line) > 0 && !s.over {
		known := min(len(s.line), len(s.Secret))
		if string(s.line[:known]) != s.Secret[:known] {
			s.over = true
			break
		}
		end := bytes.IndexByte(s.line, '\n')
		if end < 0 {
			return len(p), nil
		}
		var n Notice
		if err := json.Unmarshal(s.line[known:end], &n); err != nil {
			return 0, err
		}
		s.Notice(n)
		s.line = s.line[end+1:]
	}
	return len(p), s.Flush()
}

// Flush passes on what turned out to be no notice. It is called at the end.
func (s *Notices) Flush() error {
	if len(s.line) == 0 {
		return nil
	}
	_, err := s.Rest.Write(s.line)
	s.line = nil
	return err
}
