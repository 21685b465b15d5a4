package attrs

import (
	"fmt"
	"reflect"
)

// Values returns the attributes of a struct, or of a pointer to one, that are
// not what they would be by default. Load of what it returns gives the same
// struct, whatever the environment.
func Values(from any) map[string]string {
	v := reflect.ValueOf(from)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	values := map[string]string{}
	for _, a := range Describe(from) {
		field := v.Field(a.field)
		if field.Kind() == reflect.Pointer {
			if field.IsNil() {
				continue
			}
			field = field.Elem()
		}
		zero := field.IsZero() && a.Default == ""
		if text := fmt.Sprint(field.Interface()); !zero && text != a.Default {
			values[a.Name] = text
		}
	}
	return values
}

// Load fills target, a pointer to a struct, with what Values returned. The error
// is an *Error.
func Load(values map[string]string, target any) error {
	for _, a := range Describe(target) {
		value, given := values[a.Name]
		if !given {
			value = a.Default
		}
		if !given && value == "" {
			continue
		}
		if err := a.parse(reflect.ValueOf(target).Elem().Field(a.field), value, "attribute "+a.Name); err != nil {
			return err
		}
	}
	return nil
}
