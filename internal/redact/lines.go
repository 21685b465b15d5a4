package redact

import (
	"bytes"
	"io"
	"sync"
)

// maxLine is how many bytes are held back for the end of a line.
const maxLine = 64 << 10

// Lines returns a writer that passes whole lines on to w as String makes them.
// Close passes on the last one, though it may have no end, and closes w. It is
// safe for concurrent use.
func (r Redactor) Lines(w io.WriteCloser) io.WriteCloser { return &lines{redactor: r, out: w} }

type lines struct {
	redactor Redactor
	out      io.WriteCloser

	mu   sync.Mutex
	held []byte
}

// Write implements io.Writer. The count is that of p, whether passed on or held
// back.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = append(l.held, p...)
	end := bytes.LastIndexByte(l.held, '\n') + 1
	if len(l.held)-end > maxLine {
		end = len(l.held)
	}
	return len(p), l.pass(end)
}

func (l *lines) pass(end int) error {
	if end == 0 {
		return nil
	}
	_, err := io.WriteString(l.out, l.redactor.String(string(l.held[:end])))
	l.held = append(l.held[:0], l.held[end:]...)
	return err
}

// Close implements io.Closer.
func (l *lines) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.pass(len(l.held))
	if closeErr := l.out.Close(); err == nil {
		err = closeErr
	}
	return err
}
