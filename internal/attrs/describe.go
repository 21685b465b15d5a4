package attrs

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/pack-cache/pack-cache/internal/redact"
)

// Attribute is what the tags of a field say.
type Attribute struct {
	Name string
	// Form is what a value looks like, such as bool or min|max.
	Form string
	// Only is the use that the attribute belongs to, "" for every use.
	Only     string
	Required bool
	// Default is its value if neither it nor Env, a variable, is given.
	Default, Env string
	// Values are all there are; nil if there is no list.
	Values []string
	// Secret says that the value must not be seen.
	Secret bool
	Help   string

	field int
}

// Usable reports whether the attribute can be given for a use.
func (a Attribute) Usable(use string) bool { return a.Only == "" || a.Only == use }

// Describe lists the attributes of a struct or a pointer to one, in the order of
// its fields. It panics if a field has a type that no attribute can have.
func Describe(target any) []Attribute {
	t := reflect.TypeOf(target)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var all []Attribute
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		name, ok := tag.Lookup("attr")
		if !ok {
			continue
		}
		a := Attribute{
			Name: name, Form: tag.Get("form"), Only: tag.Get("only"), Required: tag.Get("required") == "true",
			Default: tag.Get("default"), Env: tag.Get("env"), Values: strings.Fields(tag.Get("values")),
			Secret: t.Field(i).Type == secretType, Help: tag.Get("help"), field: i,
		}
		if form := formOf(t.Field(i).Type); a.Form == "" {
			a.Form = form
		}
		if len(a.Values) > 0 {
			a.Form = strings.Join(a.Values, "|")
		}
		all = append(all, a)
	}
	return all
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[redact.Secret]()
)

func formOf(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == durationType:
		return "duration"
	case t == secretType:
		return "secret"
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return "text"
	case t.Kind() == reflect.Bool:
		return "bool"
	case t.Kind() == reflect.Int:
		return "int"
	case t.Kind() == reflect.String:
		return "string"
	}
	panic(fmt.Sprintf("attrs: no attribute can be of type %s", t))
}
