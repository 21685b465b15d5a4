package redact

import (
	"encoding/json"
	"reflect"
)

// Seal returns a struct as one secret: its JSON, in which the secrets among its
// fields are written out, by the fields' names. Unseal reads it. It is for the process that
// is handed the struct, and for nobody else.
func Seal(v any) (Secret, error) {
	from := reflect.ValueOf(v)
	fields := map[string]any{}
	for i := range from.NumField() {
		value := from.Field(i).Interface()
		if secret, ok := value.(Secret); ok {
			value = secret.Reveal()
		}
		fields[from.Type().Field(i).Name] = value
	}
	text, err := json.Marshal(fields)
	return NewSecret(string(text)), err
}

// Unseal reads what Seal has made into a pointer to such a struct.
func (s Secret) Unseal(into any) error { return json.Unmarshal([]byte(s.Reveal()), into) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
