package trust

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
)

// errNotBasic says that a value is not what the Basic scheme sends. It does not
// show the value.
var errNotBasic = errors.New("not the base64 form of user:password")

// basicAuth is the value of the Basic scheme (RFC 7617).
func basicAuth(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// ParseBasic returns the user and the password in a value of the Basic scheme.
// Padding may be missing. The error does not show the value.
func ParseBasic(value string) (user, password string, err error) {
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(value), "="))
	if err != nil {
		return "", "", errNotBasic
	}
	user, password, ok := strings.Cut(string(decoded), ":")
	if !ok || user == "" {
		return "", "", errNotBasic
	}
	// Old versions of Docker padded the password with zero bytes.
	return user, strings.TrimRight(password, "\x00"), nil
}

// normalAuth returns config with user and password in place of their encoded
// form, so that equal credentials compare as equal.
func normalAuth(config authn.AuthConfig) authn.AuthConfig {
	if config.Auth == "" {
		return config
	}
	if user, password, err := ParseBasic(config.Auth); err == nil {
		config.Username, config.Password, config.Auth = user, password, ""
	}
	return config
}
