// Package hint holds the errors that tell the user the way out.
//
// A hint stands beside the message, not in it: the message says what is wrong,
// the hint what to do. Errors that carry more, such as an exit code, have a method
// Hint and so are an Error as well.
//
// What it is not for: deciding what a failure means, or printing it.
package hint

import (
	"fmt"
	"slices"
)

// Error is an error that knows a way out.
type Error interface {
	error
	// Hint says what the user can do, "" if nothing is known.
	Hint() string
}

// hinted is an error with a way out.
type hinted struct {
	error
	way string
}

// Unwrap returns the error without its way out.
func (h *hinted) Unwrap() error { return h.error }

// Hint implements Error.
func (h *hinted) Hint() string { return h.way }

// Errorf returns an error with a way out. The message is made as by fmt.Errorf, so
// that %w wraps another error. The way may be "".
func Errorf(way, format string, args ...any) error {
	return &hinted{fmt.Errorf(format, args...), way}
}

// With adds a way out to err. It returns err itself if one of the two is missing.
func With(way string, err error) error {
	if err == nil || way == "" {
		return err
	}
	return &hinted{err, way}
}

// UsageError says that what the user asks for makes no sense.
type UsageError struct{ hinted }

// Usagef returns a *UsageError with a way out. The message is made as by
// fmt.Errorf, so that %w wraps another error.
func Usagef(way, format string, args ...any) error {
	return &UsageError{hinted{fmt.Errorf(format, args...), way}}
}

// All returns the hints of err and of everything that it wraps, outermost first,
// each once.
func All(err error) []string {
	var all []string
	walk(err, func(way string) bool {
		if !slices.Contains(all, way) {
			all = append(all, way)
		}
		return true
	})
	return all
}

// Of returns the first hint of err and of what it wraps, "" if there is none.
func Of(err error) string {
	var first string
	walk(err, func(way string) bool {
		first = way
		return false
	})
	return first
}

// walk calls found for each hint until it returns false, and says whether it never
// did.
func walk(err error, found func(way string) bool) bool {
	if knows, ok := err.(Error); ok { //nolint:errorlint // walks itself
		if way := knows.Hint(); way != "" && !found(way) {
			return false
		}
	}
	switch wrapper := err.(type) { //nolint:errorlint // walks itself
	case interface{ Unwrap() error }:
		return walk(wrapper.Unwrap(), found)
	case interface{ Unwrap() []error }:
		for _, inner := range wrapper.Unwrap() {
			if !walk(inner, found) {
				return false
			}
		}
	}
	return true
}
