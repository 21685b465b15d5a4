package registry

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/grammar"
)

// RefError says that something cannot be the name of a snapshot: a mistake in what the
// user wrote, not a failure of the registry.
type RefError struct {
	// Ref is the reference with the name.
	Ref    string
	Reason string
	hint   string
}

// Error implements error.
func (e *RefError) Error() string {
	return fmt.Sprintf("invalid image reference %q: %s", e.Ref, e.Reason)
}

// Hint says how to write the reference.
func (e *RefError) Hint() string { return e.hint }

const tagHint = "choose a tag of up to 128 letters, digits, '.', '_' and '-', which begins with a letter, digit or '_'"

// checkName refuses what could not be a tag or a digest, so that a name can
// never change the path of a request.
func (s *Store) checkName(n string) error {
	if _, err := v1.NewHash(n); err == nil || grammar.Tag.MatchString(n) {
		return nil
	}
	return &RefError{s.String() + ":" + n, "this is neither a digest nor a tag", tagHint}
}
