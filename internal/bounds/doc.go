// Package bounds limits content that may have been written by an enemy: labels, manifests, configs and descriptors (JSON, TOML), and
// archives (Archive).
//
// Every bound is here, with the reason for its number; docs/limits.md lists them
// for users. Below the bounds, cost is linear in the size of what is read.
//
// What it is not for: whether a content is valid. A check here only promises that
// reading the content costs no more than the bounds allow.
package bounds

import "errors"

// ErrExceeded says that a content is over a bound.
var ErrExceeded = errors.New("over a bound")

// Error is the ErrExceeded that this package returns. It reads as the end of a
// sentence that names the content.
type Error struct{ reason string }

// Error implements error.
func (e *Error) Error() string { return e.reason }

// Is makes errors.Is(err, ErrExceeded) true.
func (e *Error) Is(target error) bool { return target == ErrExceeded }
