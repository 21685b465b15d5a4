package redact

import (
	"fmt"
	"log/slog"
)

// Secret is a string that does not show itself: printed with any verb, logged,
// or written as JSON it is Mark. The zero value is no secret at all, and empty.
// It is immutable and safe for concurrent use.
type Secret struct {
	// A function, because fmt and encoding/json cannot look inside one, not
	// even through an unexported field of somebody else's struct.
	reveal func() string
}

// NewSecret returns a secret; that of the empty string is the zero value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{func() string { return value }}
}

// Reveal returns the secret itself.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.reveal == nil }

// Equal reports whether two secrets are the same.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// String returns Mark, or nothing for the zero value.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return Mark
}

// Format implements fmt.Formatter, so that no verb shows the secret.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler, so that no encoding shows the
// secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
