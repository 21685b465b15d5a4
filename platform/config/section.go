package config

import (
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// section is a header of a file with what is assigned below it. The first one of
// a file has no header. Places are offsets into the text.
type section struct {
	name    string
	start   int // of the line of the header
	end     int // of the last line that is not a comment for the next section
	entries []entry
}

// entry is an assignment, with the lines and the value that it takes up.
type entry struct {
	key                         string
	start, end, value, valueEnd int
	text                        string // the value, if it is a string
}

// byteOrderMark is how some editors begin a file.
const byteOrderMark = "\ufeff"

// sections reads where things are in a text. A dotted key has a name with a zero
// byte for each dot.
func sections(text string) ([]section, error) {
	all := []section{{}}
	if rest, ok := strings.CutPrefix(text, byteOrderMark); ok {
		all[0].end = len(byteOrderMark)
		text = strings.Repeat(" ", len(byteOrderMark)) + rest
	}
	parser := unstable.Parser{KeepComments: true}
	parser.Reset([]byte(text))
	for parser.NextExpression() {
		node, last := parser.Expression(), &all[len(all)-1]
		if node.Kind == unstable.Comment {
			end := lineEnd(text, offset(node.Raw))
			if len(all) == 1 && strings.TrimLeft(text[end:min(len(text), end+1)], "\r\n") == "" {
				last.end = end // a comment on the file
			}
			continue
		}
		var names []string
		var before, after int
		for keys := node.Key(); keys.Next(); {
			if raw := keys.Node().Raw; names == nil {
				before = strings.LastIndex(text[:raw.Offset], "\n") + 1
			}
			names = append(names, string(keys.Node().Data))
			after = offset(keys.Node().Raw)
		}
		name := strings.Join(names, "\x00")
		if node.Kind != unstable.KeyValue {
			all = append(all, section{name: name, start: before, end: lineEnd(text, after)})
			continue
		}
		e := entry{key: name, start: before, end: lineEnd(text, offset(node.Raw)), valueEnd: offset(node.Raw)}
		_, value, _ := strings.Cut(text[after:e.valueEnd], "=")
		e.value = e.valueEnd - len(strings.TrimLeft(value, " \t"))
		if node.Value().Kind == unstable.String {
			e.text = string(node.Value().Data)
		}
		last.entries, last.end = append(last.entries, e), e.end
	}
	return all, parser.Error()
}

// offset is where a range ends.
func offset(r unstable.Range) int { return int(r.Offset) + int(r.Length) }

// lineEnd is where the line after the one at a place begins.
func lineEnd(text string, place int) int {
	if n := strings.Index(text[place:], "\n"); n >= 0 {
		return place + n + 1
	}
	return len(text)
}
