package objects

import (
	"context"
	"errors"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/reach"
	"github.com/pack-cache/pack-cache/layers"
)

// failure is what went wrong with a store.
type failure struct {
	op, store string // "read", "s3://bucket"
	cause     error
	hint      string
}

// Error implements error.
func (f *failure) Error() string { return "cannot " + f.op + " " + f.store + ": " + f.cause.Error() }

// Unwrap returns what went wrong.
func (f *failure) Unwrap() error { return f.cause }

// Hint says what the user can do; empty if nothing is known.
func (f *failure) Hint() string { return f.hint }

// failed says of which store an error is. That of a context that has ended stays
// what it is.
func (s *Store) failed(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if already, ok := errors.AsType[*failure](err); ok {
		return already
	}
	f := &failure{op: op, store: s.config.Label, cause: err}
	server := reach.Server{Name: s.config.Label, Host: s.config.Label, Plain: "write its address with http://"}
	answer, ok := errors.AsType[*Error](err)
	switch {
	case ok && answer.Hint != "":
		f.hint = answer.Hint
	case hint.Of(err) != "":
		f.hint = hint.Of(err)
	case errors.Is(err, layers.ErrDenied):
		f.hint = "check that the credentials are right, and that they may " + op + " objects there"
	case ok && answer.Status == 0:
		f.hint = server.Silent(answer.Cause)
	case ok:
		f.hint = server.Answered(answer.Status)
	}
	return f
}
