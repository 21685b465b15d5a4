package config

import (
	"regexp"
	"slices"
	"strings"
)

// newlineOf returns how lines of a text end.
func newlineOf(text string) string {
	if strings.Contains(text, "\r\n") {
		return "\r\n"
	}
	return "\n"
}

// appendBlock appends lines, after a blank one.
func appendBlock(text string, block ...string) string {
	newline := newlineOf(text)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += newline
	}
	if strings.TrimSpace(text) != "" {
		text += newline
	}
	return text + strings.Join(block, newline) + newline
}

// blockEnd returns the line after the last of the block that begins at line
// start. Comments before the next header belong to that one.
func blockEnd(lines []string, start int) int {
	end := start + 1
	for end < len(lines) && !anyHeader.MatchString(lines[end]) {
		end++
	}
	for end > start+1 && noContent.MatchString(strings.TrimRight(lines[end-1], "\r\n")) {
		end--
	}
	return end
}

// replaceBlock puts other lines in the place of the block that begins at line
// start, or takes it out with one of the blank lines around it.
func replaceBlock(text string, start int, block []string) string {
	if len(block) == 0 {
		return withoutBlock(text, start)
	}
	lines := strings.SplitAfter(text, "\n")
	newline := newlineOf(text)
	return strings.Join(slices.Replace(lines, start, blockEnd(lines, start), strings.Join(block, newline)+newline), "")
}

// withoutBlock takes out the block that begins at line start, with one of the
// blank lines around it.
func withoutBlock(text string, start int) string {
	lines := strings.SplitAfter(text, "\n")
	end := blockEnd(lines, start)
	if start > 0 && strings.TrimSpace(lines[start-1]) == "" {
		start--
	} else if end < len(lines) && strings.TrimSpace(lines[end]) == "" {
		end++
	}
	return strings.Join(slices.Delete(lines, start, end), "")
}

// bare is the grammar of keys that need no quotes.
var bare = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// bareKey writes a key.
func bareKey(key string) string {
	if bare.MatchString(key) {
		return key
	}
	return quote(key)
}

// quoteAll writes a list of strings.
func quoteAll(list []string) string {
	var quoted []string
	for _, entry := range list {
		quoted = append(quoted, quote(entry))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
