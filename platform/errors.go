package platform

import (
	"errors"
	"fmt"

	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// CacheNotSavedError says that the image was built, but a cache that
// --cache-required or ignore-error=false demands was not saved.
type CacheNotSavedError struct {
	To, Reason string
	// CacheOnly says that no image was wanted.
	CacheOnly bool
}

// Error implements error.
func (e *CacheNotSavedError) Error() string {
	if e.CacheOnly {
		return fmt.Sprintf("the cache was not saved to %s: %s", e.To, e.Reason)
	}
	return fmt.Sprintf("the image was built, but the cache was not saved to %s: %s", e.To, e.Reason)
}

// Hint tells the way out.
func (e *CacheNotSavedError) Hint() string {
	if e.CacheOnly {
		return "the previous cache is as it was"
	}
	return "leave out --cache-required and ignore-error=false to accept a build whose cache is not saved"
}

// CacheNotReadError says that a cache that --cache-required demands could not be
// read. Nothing has been built.
type CacheNotReadError struct {
	From, Reason, Advice string
	// Denied says that credentials are the reason.
	Denied bool
}

// Error implements error.
func (e *CacheNotReadError) Error() string {
	return fmt.Sprintf("the cache %s could not be read: %s", e.From, e.Reason)
}

// Hint tells the ways out.
func (e *CacheNotReadError) Hint() string {
	const without = "leave out --cache-required to build without it"
	if e.Advice == "" {
		return without
	}
	return e.Advice + "\n" + without
}

// cacheNotRead returns an error for the first import that could not be read, in
// whole or in part, if the cache is required. A cache that is not there yet is
// no failure.
func cacheNotRead(out phases.RestoreOutput, required bool) error {
	if !required {
		return nil
	}
	for _, at := range out.Imports {
		if !at.Missing && at.Reason != "" {
			return &CacheNotReadError{From: at.From, Reason: at.Reason, Advice: at.Advice, Denied: at.Denied}
		}
	}
	for _, layer := range out.Layers {
		if layer.Failed {
			return &CacheNotReadError{From: layer.From, Reason: fmt.Sprintf("layer %s: %s", layer.Layer, layer.Reason), Denied: layer.Denied}
		}
	}
	return nil
}

// errNotThere is what a registry says of an image that it does not have.
var errNotThere = errors.New("is not there")
