package attrs

import (
	"fmt"
	"reflect"

	"github.com/pack-cache/pack-cache/internal/redact"
)

// Values returns the attributes of a struct, or of a pointer to one, that are
// not what they would be by default, without the secrets. Load of what it
// returns gives the same struct, whatever the environment.
func Values(from any) map[string]string {
	v := reflect.ValueOf(from)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	values := map[string]string{}
	for _, a := range Describe(from) {
		field := v.Field(a.field)
		if a.Secret {
			continue
		}
		given := field.Kind() == reflect.Pointer
		if given {
			if field.IsNil() {
				continue
			}
			field = field.Elem()
		}
		usual := reflect.New(field.Type()).Elem()
		if a.Default != "" {
			_ = a.parse(usual, a.Default, "default of "+a.Name) // Set would have failed
		}
		if given || !field.Equal(usual) {
			values[a.Name] = fmt.Sprint(field.Interface())
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

// Secrets returns the secret attributes of a struct, or of a pointer to one,
// that are there; nil if none is.
func Secrets(from any) map[string]redact.Secret {
	v := reflect.Indirect(reflect.ValueOf(from))
	var secrets map[string]redact.Secret
	for _, a := range Describe(from) {
		if !a.Secret {
			continue
		}
		if secret := v.Field(a.field).Interface().(redact.Secret); !secret.IsZero() {
			if secrets == nil {
				secrets = map[string]redact.Secret{}
			}
			secrets[a.Name] = secret
		}
	}
	return secrets
}

// LoadSecrets enters what Secrets returned into target, a pointer to a struct.
func LoadSecrets(secrets map[string]redact.Secret, target any) {
	for _, a := range Describe(target) {
		if secret, ok := secrets[a.Name]; ok && a.Secret {
			reflect.ValueOf(target).Elem().Field(a.field).Set(reflect.ValueOf(secret))
		}
	}
}
