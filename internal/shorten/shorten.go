// Package shorten keeps messages with very long words readable: paths of 4 kB, and
// names that others have made up.
//
// What it is not for: what programs read, and the output of buildpacks.
package shorten

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// longest is how many bytes a word may have: more than references with a digest and
	// usual paths.
	longest = 400
	// kept is how many bytes of a longer one are shown of either end.
	kept = 150
)

// Words returns text with the middle of every word left out that has more than 400
// bytes. Applied twice it changes nothing more.
func Words(text string) string {
	if len(text) <= longest {
		return text
	}
	var b strings.Builder
	for text != "" {
		end := strings.IndexAny(text, " \t\n")
		if end < 0 {
			end = len(text)
		}
		b.WriteString(word(text[:end]))
		blanks := len(text[end:]) - len(strings.TrimLeft(text[end:], " \t\n"))
		b.WriteString(text[end : end+blanks])
		text = text[end+blanks:]
	}
	return b.String()
}

func word(w string) string {
	if len(w) <= longest {
		return w
	}
	head, tail := kept, len(w)-kept
	for head > 0 && !utf8.RuneStart(w[head]) {
		head--
	}
	for tail < len(w) && !utf8.RuneStart(w[tail]) {
		tail++
	}
	return fmt.Sprintf("%s…(%d_bytes)…%s", w[:head], tail-head, w[tail:])
}
