package unpack

import (
	"errors"
	"fmt"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// ErrNoWhiteouts says that the file system of the store cannot hold the marks
// by which overlayfs hides what is below. The caller uses Flat instead.
var ErrNoWhiteouts = errors.New("the file system cannot hold overlay whiteouts")

// DigestError says that a layer is not what the image says it is.
type DigestError struct {
	// Layer is the digest under which the manifest lists the layer.
	Layer v1.Hash
	// What is "digest", "diffID" or "size".
	What      string
	Want, Got string
}

// Error implements error.
func (e *DigestError) Error() string {
	return fmt.Sprintf("layer %s: %s is %s, expected %s", e.Layer, e.What, e.Got, e.Want)
}

// Hint says what to do about it.
func (e *DigestError) Hint() string {
	if e.What == "diffID" {
		return "the image contradicts itself; have it built and pushed again"
	}
	return "the registry or something on the way to it delivered other bytes than the manifest names; try again, or push the image again"
}

// BoundError says that a layer has more than is believed of any layer.
type BoundError struct {
	// Layer is the digest under which the manifest lists the layer.
	Layer v1.Hash
	err   error
}

// Error implements error.
func (e *BoundError) Error() string { return fmt.Sprintf("layer %s: %v", e.Layer, e.err) }

// Unwrap returns the bound.
func (e *BoundError) Unwrap() error { return e.err }

// Hint says what to do about it.
func (e *BoundError) Hint() string {
	return "the image is broken, or made to fill the machine: choose another builder, or have this one built again"
}

// DirError says that the directory of a store cannot be used.
type DirError struct {
	Dir string
	err error
}

// Error implements error.
func (e *DirError) Error() string { return fmt.Sprintf("layer store %s: %v", e.Dir, e.err) }

// Unwrap returns the cause, except that the store is full: to engines that would
// mean that the build's own files have no room.
func (e *DirError) Unwrap() error {
	if full(e.err) {
		return nil
	}
	return e.err
}

// Hint says what to do about it.
func (e *DirError) Hint() string {
	if full(e.err) {
		return "make room on the file system of " + e.Dir + ", or keep the store on a larger one: it is below XDG_CACHE_HOME, or ~/.cache"
	}
	if errors.Is(e.err, ErrNoWhiteouts) {
		return "keep the store on a file system that is not an overlay, such as a volume"
	}
	return "keep the store in a directory that belongs to you"
}

// ReadOnly tells whether err means that a store cannot be written to. What is in it
// can be used as long as nothing is missing.
func ReadOnly(err error) bool {
	return errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM)
}

// full tells whether err means that there is no room left.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// archiveError marks what went wrong in reading an archive, as opposed to
// writing files.
type archiveError struct{ err error }

func (e *archiveError) Error() string { return e.err.Error() }
func (e *archiveError) Unwrap() error { return e.err }
