package redact

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"sync"
)

// shortest is the length in bytes of the shortest secret that a Redactor looks
// for. Shorter ones occur in ordinary words, and replacing those would spoil
// the text and tell the reader what the secret is.
const shortest = 6

// Redactor replaces certain secrets by Mark. The zero value knows none. It is
// immutable, safe for concurrent use, and does not show its secrets when it is
// printed.
type Redactor struct {
	// secrets is a function because fmt cannot look inside one. Longest first.
	secrets func() [][]byte
}

// New returns a Redactor for the given secrets. Those shorter than six bytes
// are left out.
func New(secrets ...string) Redactor {
	var list [][]byte
	for _, s := range secrets {
		if len(s) >= shortest {
			list = append(list, []byte(s))
		}
	}
	slices.SortFunc(list, func(a, b []byte) int { return cmp.Compare(len(b), len(a)) })
	return Redactor{secrets: func() [][]byte { return list }}
}

// String returns s without the secrets, and without everything that the
// function String finds.
func (r Redactor) String(s string) string {
	clean, _ := r.scan([]byte(s), true)
	return String(string(clean))
}

// scan returns buf with the secrets replaced, and as rest its end that may be
// the beginning of a secret. With final there is no rest.
func (r Redactor) scan(buf []byte, final bool) (clean, rest []byte) {
	if r.secrets == nil {
		return buf, nil
	}
	list := r.secrets()
	clean = make([]byte, 0, len(buf))
	for len(buf) > 0 {
		found := 0
		for _, secret := range list {
			if !final && len(secret) > len(buf) && bytes.HasPrefix(secret, buf) {
				return clean, buf
			}
			if found == 0 && bytes.HasPrefix(buf, secret) {
				found = len(secret)
			}
		}
		if found == 0 {
			clean = append(clean, buf[0])
			buf = buf[1:]
			continue
		}
		clean = append(clean, Mark...)
		buf = buf[found:]
	}
	return clean, nil
}

// Writer returns a writer that passes everything on to w with the secrets of r
// replaced, wherever the boundaries between writes fall. It holds back only
// bytes that may be the beginning of a secret; Close writes them and does not
// close w. It is safe for concurrent use.
func (r Redactor) Writer(w io.Writer) io.WriteCloser {
	return &writer{redactor: r, out: w}
}

type writer struct {
	redactor Redactor
	out      io.Writer

	mu   sync.Mutex
	held []byte
}

// Write implements io.Writer. The count is that of p, whether passed on or held
// back.
func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.pass(p, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close implements io.Closer.
func (w *writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pass(nil, true)
}

func (w *writer) pass(p []byte, final bool) error {
	clean, rest := w.redactor.scan(append(w.held, p...), final)
	w.held = bytes.Clone(rest)
	if len(clean) == 0 {
		return nil
	}
	_, err := w.out.Write(clean)
	return err
}
