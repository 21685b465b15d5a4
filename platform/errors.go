package platform

import (
	"fmt"

	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// UsageError says that what the user asks for makes no sense.
type UsageError struct{ message, hint string }

// NewUsageError returns a usage error that says what is wrong and what to do.
func NewUsageError(message, hint string) error { return &UsageError{message, hint} }

// Error implements error.
func (e *UsageError) Error() string { return e.message }

// Hint tells the way out.
func (e *UsageError) Hint() string { return e.hint }

// hintedError adds a hint to an error.
type hintedError struct {
	error
	hint string
}

func (e *hintedError) Unwrap() error { return e.error }

// Hint tells the way out.
func (e *hintedError) Hint() string { return e.hint }

// CacheNotSavedError says that the image was built, but a cache that
// --cache-required or ignore-error=false demands was not saved.
type CacheNotSavedError struct{ To, Reason string }

// Error implements error.
func (e *CacheNotSavedError) Error() string {
	return fmt.Sprintf("the image was built, but the cache was not saved to %s: %s", e.To, e.Reason)
}

// Hint tells the way out.
func (e *CacheNotSavedError) Hint() string {
	return "leave out --cache-required and ignore-error=false to accept a build whose cache is not saved"
}

// cacheNotRead returns an error for the first import that could not be read, if
// the cache is required. A cache that is not there yet is no failure.
func cacheNotRead(imports []phases.ImportOutcome, required bool) error {
	if !required {
		return nil
	}
	for _, at := range imports {
		if at.Digest == "" && !at.Missing {
			return &hintedError{fmt.Errorf("the cache %s could not be read: %s", at.From, at.Reason), "leave out --cache-required to build without it"}
		}
	}
	return nil
}
