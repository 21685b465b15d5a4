// Package plain makes text that others have written, such as names in builders and
// caches, safe to show: a terminal obeys nothing in it.
//
// What it is not for: the output of buildpacks, which may be colorful.
package plain

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns a text with everything replaced that a terminal would obey, apart
// from line ends and tabs.
func Text(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || Shows(r) {
			return r
		}
		return utf8.RuneError
	}, text)
}

// Shows reports whether a terminal shows a rune, and does nothing else.
func Shows(r rune) bool {
	return r != utf8.RuneError && !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Zl, r) && !unicode.Is(unicode.Zp, r)
}

// Writer returns a writer that makes text plain, each piece on its own.
func Writer(to io.Writer) io.Writer { return writer{to} }

type writer struct{ to io.Writer }

// Write implements io.Writer.
func (w writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.to, Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
