package layers

import (
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// ErrForeign says that a name stands for something that is not a cache.
var ErrForeign = errors.New("not a cache")

// ForeignError is the ErrForeign that Load returns.
type ForeignError struct {
	// Where names the store and the name.
	Where string
	// Reason says what was found instead.
	Reason string
	// Digest is the manifest that the name stands for. Save needs it as
	// PreviousDigest if it is to replace it.
	Digest v1.Hash
	// Unmarked is set for an app image that would do if it had an inline cache.
	Unmarked bool
}

// Error implements error.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s is not a cache: %s", e.Where, e.Reason)
}

// Is makes errors.Is(err, ErrForeign) true.
func (e *ForeignError) Is(target error) bool { return target == ErrForeign }

// Hint says what the user can do.
func (e *ForeignError) Hint() string {
	return "a cache needs a name that nothing else has: choose another name"
}
