// Package reporter shows the progress of a build on a terminal or in a log.
package reporter

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/pack-cache/pack-cache/internal/plain"
	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/internal/shorten"
)

// Options decide how a Text looks.
type Options struct {
	Color      bool
	Timestamps bool
	// Quiet leaves out everything but warnings.
	Quiet bool
	// Verbose adds debug messages.
	Verbose bool
}

// Text writes one line a message. It is safe for concurrent use.
type Text struct {
	mu   sync.Mutex
	out  io.Writer
	opts Options
}

var _ progress.Reporter = (*Text)(nil)

// New returns a Text that writes to out.
func New(out io.Writer, opts Options) *Text { return &Text{out: out, opts: opts} }

const (
	cyan   = "\x1b[36m"
	yellow = "\x1b[33m"
	reset  = "\x1b[0m"
)

// Step announces a step as pack does.
func (t *Text) Step(name string) {
	if !t.opts.Quiet {
		t.line(t.paint(cyan, "===> "+name))
	}
}

// Info writes a message.
func (t *Text) Info(message string) {
	if !t.opts.Quiet {
		t.line(shown(message))
	}
}

// shown is what a person sees of a message.
func shown(message string) string { return shorten.Words(redact.String(plain.Text(message))) }

// Warn writes a warning, also when the rest is quiet.
func (t *Text) Warn(message string) { t.line(t.paint(yellow, "Warning: ") + shown(message)) }

// Hint says what can be done about a warning, also when the rest is quiet.
func (t *Text) Hint(message string) { t.line("HINT: " + shown(message)) }

// Debug writes a message when the output is verbose.
func (t *Text) Debug(message string) {
	if t.opts.Verbose {
		t.line(redact.String(plain.Text(message)))
	}
}

// Output returns a writer that puts the phase's name before every line.
func (t *Text) Output(phase string) io.WriteCloser {
	return &lines{text: t, prefix: t.paint(cyan, "["+phase+"] ")}
}

func (t *Text) paint(color, s string) string {
	if !t.opts.Color {
		return s
	}
	return color + s + reset
}

func (t *Text) line(s string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.opts.Timestamps {
		fmt.Fprint(t.out, time.Now().UTC().Format("2006/01/02 15:04:05.000000 "))
	}
	fmt.Fprintln(t.out, s)
}

// lines passes on whole lines.
type lines struct {
	mu     sync.Mutex
	text   *Text
	prefix string
	rest   []byte
}

// Write implements io.Writer. It never fails.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		l.emit(line)
		l.rest = rest
	}
}

// Close passes on an unfinished last line.
func (l *lines) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		l.emit(l.rest)
		l.rest = nil
	}
	return nil
}

func (l *lines) emit(line []byte) {
	if !l.text.opts.Quiet {
		l.text.line(l.prefix + string(bytes.TrimSuffix(line, []byte("\r"))))
	}
}
