package extra

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/redact"
)

// Error says which buildpack cannot be used, and why.
type Error struct {
	// Buildpack is what the user called it, without secrets.
	Buildpack string
	// Misnamed is set when what the user wrote means nothing, as opposed to
	// what is there being of no use.
	Misnamed bool
	// Extension is set when it is an image extension.
	Extension bool
	Err       error
}

// Error implements error.
func (e *Error) Error() string {
	word := buildpacks.word
	if e.Extension {
		word = extensions.word
	}
	return fmt.Sprintf("%s %s: %v", word, e.Buildpack, e.Err)
}

// Unwrap returns why.
func (e *Error) Unwrap() error { return e.Err }

// misnamed is an error about what the user wrote.
func misnamed(locator, reason, way string) error {
	return &Error{Buildpack: shown(locator), Misnamed: true, Err: hint.Errorf(way, "%s", reason)}
}

// about says which buildpack an error is about.
func about(locator string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return &Error{Buildpack: shown(locator), Err: err}
}

// shown is a locator without what may be a secret: of a URL, everything but
// scheme, host and path.
func shown(locator string) string {
	if u, err := url.Parse(locator); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
	}
	return redact.String(locator)
}
