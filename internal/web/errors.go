package web

import (
	"errors"
	"fmt"
	"time"
)

// ErrGaveUp says that something was tried and waited for long enough. To try it
// again is of no use.
var ErrGaveUp = errors.New("gave up")

// GaveUp is an error that wraps ErrGaveUp.
type GaveUp struct {
	// Reason is a clause such as "tried 5 times"; "" if the cause says it all.
	Reason string
	// Cause is what went wrong last; nil if that is not known.
	Cause error
}

// Error implements error.
func (e *GaveUp) Error() string {
	switch {
	case e.Cause == nil:
		return "gave up: " + e.Reason
	case e.Reason == "":
		return e.Cause.Error()
	}
	return fmt.Sprintf("%v (%s)", e.Cause, e.Reason)
}

// Unwrap returns what went wrong last.
func (e *GaveUp) Unwrap() error { return e.Cause }

// Is makes errors.Is(err, ErrGaveUp) work.
func (e *GaveUp) Is(target error) bool { return target == ErrGaveUp }

// Temporary says to libraries that they need not try again.
func (e *GaveUp) Temporary() bool { return false }

// Timeout says the same.
func (e *GaveUp) Timeout() bool { return false }

// Stalled is the error of a request or a body that stood still for too long.
type Stalled struct {
	// What was waited for, such as "registry.example.com: blob sha256:0123".
	What string
	// After is for how long.
	After time.Duration
}

// Error implements error.
func (e *Stalled) Error() string {
	return fmt.Sprintf("no data from %s for %s", e.What, e.After.Round(100*time.Millisecond))
}

// Timeout implements net.Error.
func (e *Stalled) Timeout() bool { return true }

// Temporary implements net.Error.
func (e *Stalled) Temporary() bool { return true }
