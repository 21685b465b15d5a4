package phases

import (
	"reflect"

	"github.com/pack-cache/pack-cache/internal/plain"
)

// maxText is how long a text of a phase may be that is shown to people.
const maxText = 16 << 10

// readable is a text without what a terminal would obey, and no longer than people
// read.
func readable(text string) string {
	if len(text) > maxText {
		text = text[:maxText] + " …"
	}
	return plain.Text(text)
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
		v.SetString(readable(v.String()))
	}
}
