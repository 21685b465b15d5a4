package redact_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/pack-cache/pack-cache/internal/redact"
)

func TestLines(t *testing.T) {
	t.Parallel()
	out := &closing{}
	w := redact.New("hunter2").Lines(out)
	fmt.Fprint(w, "first hunt")
	if got := out.String(); got != "" {
		t.Errorf("before the end of the line: %q", got)
	}
	fmt.Fprint(w, "er2\nsecond https://h/?x=1&X-Amz-Sig")
	if got, want := out.String(), "first [redacted]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	fmt.Fprint(w, "nature=abcdef")
	if err := w.Close(); err != nil || !out.closed {
		t.Errorf("close: %v, closed %t", err, out.closed)
	}
	if got, want := out.String(), "first [redacted]\nsecond https://h/?x=1&X-Amz-Signature=[redacted]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// closing is a buffer that knows when it was closed.
type closing struct {
	bytes.Buffer
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}
