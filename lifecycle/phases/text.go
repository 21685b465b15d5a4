package phases

import (
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText is how long a text of a phase may be that is shown to people.
const maxText = 16 << 10

// plain is a text without what a terminal would obey, and no longer than people
// read.
func plain(text string) string {
	if len(text) > maxText {
		text = text[:maxText] + " …"
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return '\uFFFD'
		}
		return r
	}, text)
}

// makePlain makes all texts plain that are in what value points to: structs,
// slices and pointers.
func makePlain(value any) { plainIn(reflect.ValueOf(value)) }

func plainIn(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			plainIn(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			plainIn(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			plainIn(v.Index(i))
		}
	case reflect.String:
		v.SetString(plain(v.String()))
	}
}
