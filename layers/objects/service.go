package objects

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/pack-cache/pack-cache/layers"
)

// Service is what an object service can do. Implementations are safe for
// concurrent use, stop when their context ends, and repeat by themselves what
// may go better the next time. Their errors are of type *Error where the service
// has given one, and name no secret.
type Service interface {
	Reader
	Writer
}

// Reader is the half of a Service that needs no right to write.
type Reader interface {
	// Get reads a part of an object from offset on; length -1 is to its end.
	// Nothing of what was asked for may be there, which is an *Error with status
	// 416, or http.NoBody.
	Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, Info, error)
	Head(ctx context.Context, key string) (Info, error)
	// List calls each for every object whose key begins with prefix.
	List(ctx context.Context, prefix string, each func(key string, info Info)) error
}

// Writer is the other half.
type Writer interface {
	// Put writes a small object, if the condition holds; if not, the error has
	// status 412 or 404, or is Unmet.
	Put(ctx context.Context, key, contentType string, content []byte, only Condition) error
	// Begin begins to write a large one.
	Begin(ctx context.Context, key string) (Upload, error)
	// Copy copies an object as it was when info was read. An object that is
	// copied onto itself becomes younger, if the service can do that.
	Copy(ctx context.Context, from, to string, info Info) error
	// Delete removes an object. That it is not there is no error.
	Delete(ctx context.Context, key string) error
}

// Upload is a large object that is being written, in parts of the same size,
// but for the last. Until Complete, there is no object.
type Upload interface {
	// Part writes a part; the first is number 1. Parts may be written at the same
	// time, and in any order.
	Part(ctx context.Context, number int, content []byte) error
	// Complete makes an object of the parts from 1 to count.
	Complete(ctx context.Context, count int) error
	// Abort gives up.
	Abort(ctx context.Context) error
}

// Info is what a service says of an object.
type Info struct {
	Size int64
	// Tag changes with the content, as HTTP's ETag.
	Tag         string
	ContentType string
	Modified    time.Time
}

// Condition says when an object may be written. The zero value is always.
type Condition struct {
	// Tag is that of the object that will be replaced.
	Tag string
	// Absent says that there must be no object.
	Absent bool
}

// Error is a service that answers with something else than success, or not at
// all.
type Error struct {
	// Status is that of the answer, 0 if there was none.
	Status int
	// Code and Message are the service's words.
	Code, Message string
	// Cause is why there was no answer.
	Cause error
	// Hint says what to do, if that is known better than from the status.
	Hint string
	// Unmet says that a condition does not hold, where the status does not.
	Unmet bool
	// Elsewhere says that not the object is missing, but the place for it.
	Elsewhere bool
}

// Error implements error.
func (e *Error) Error() string {
	switch {
	case e.Status == 0:
		return fmt.Sprintf("no answer: %v", e.Cause)
	case e.Code == "" && e.Message == "":
		return fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	case e.Message == "":
		return fmt.Sprintf("%d %s", e.Status, e.Code)
	}
	return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message)
}

// Unwrap returns why there was no answer.
func (e *Error) Unwrap() error { return e.Cause }

// Is makes errors.Is work with what the status means.
func (e *Error) Is(target error) bool {
	switch target {
	case layers.ErrNotFound:
		return e.Status == http.StatusNotFound && !e.Elsewhere
	case layers.ErrDenied:
		return e.Status == http.StatusForbidden || e.Status == http.StatusUnauthorized
	case layers.ErrGaveUp:
		return e.Status == 0 || e.Status >= http.StatusInternalServerError || e.Status == http.StatusTooManyRequests
	}
	return false
}
