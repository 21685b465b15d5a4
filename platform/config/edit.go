package config

import (
	"errors"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// errByHand says that an edit of the text would have changed more than it
// should.
var errByHand = errors.New("written in a way that cannot be edited without touching the rest of the file")

// change is an edit that Save has yet to write.
type change struct {
	// what is changed, for messages, with its verb.
	what string
	// edit changes what the file decodes to into what is wanted, and returns the
	// text with the change made.
	edit func(want map[string]any, text string, in []section) string
}

// apply makes the change in a text. Comments, order and unknown keys stay as
// they are: both texts are decoded to prove that nothing else is different.
// Where that cannot be proven, the error is errByHand.
func (c change) apply(text string) (string, error) {
	before, err := decodeAll(text)
	if err != nil {
		return "", err
	}
	want, _ := decodeAll(text)
	in, err := sections(text)
	if err != nil {
		return "", errByHand
	}
	edited := c.edit(want, text, in)
	if sameContent(before, want) {
		return text, nil
	}
	if after, err := decodeAll(edited); err != nil || !sameContent(after, want) {
		return "", errByHand
	}
	return edited, nil
}

func decodeAll(text string) (map[string]any, error) {
	all := map[string]any{}
	_, err := toml.Decode(text, &all)
	return all, err
}

// sameContent compares what files decode to. An empty table or list at the top
// is as good as none.
func sameContent(a, b map[string]any) bool {
	empty := func(_ string, value any) bool {
		v := reflect.ValueOf(value)
		return (v.Kind() == reflect.Map || v.Kind() == reflect.Slice) && v.Len() == 0
	}
	a, b = maps.Clone(a), maps.Clone(b)
	maps.DeleteFunc(a, empty)
	maps.DeleteFunc(b, empty)
	return reflect.DeepEqual(a, b)
}

// find returns the entry of a key, nil if there is none.
func (s section) find(key string) *entry {
	if at := slices.IndexFunc(s.entries, func(e entry) bool { return e.key == key }); at >= 0 {
		return &s.entries[at]
	}
	return nil
}

// set sets a string in the section; "" removes it.
func (s section) set(text, key, value string) string {
	e := s.find(key)
	switch {
	case e != nil && value != "":
		return text[:e.value] + quote(value) + text[e.valueEnd:]
	case e != nil:
		return text[:e.start] + text[e.end:]
	case value == "":
		return text
	}
	newline := newlineOf(text)
	line := bareKey(key) + " = " + quote(value) + newline
	if s.name != "" {
		line = "  " + line
	}
	if s.end > 0 && text[s.end-1] != '\n' {
		line = newline + line
	}
	if strings.HasPrefix(text[s.end:], "[") {
		line += newline
	}
	return text[:s.end] + line + text[s.end:]
}

// replace puts other lines in the place of the section, or takes it out with one
// of the blank lines around it.
func (s section) replace(text string, block ...string) string {
	newline := newlineOf(text)
	before, after := text[:s.start], text[s.end:]
	switch {
	case len(block) > 0:
		return before + strings.Join(block, newline) + newline + after
	case strings.HasSuffix(before, "\n"+newline):
		before = strings.TrimSuffix(before, newline)
	default:
		after = strings.TrimPrefix(after, newline)
	}
	return before + after
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

// newlineOf returns how lines of a text end.
func newlineOf(text string) string {
	if strings.Contains(text, "\r\n") {
		return "\r\n"
	}
	return "\n"
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

// quote writes a TOML basic string. An image reference needs no escapes that
// TOML and Go spell differently.
func quote(reference string) string { return strconv.Quote(reference) }
