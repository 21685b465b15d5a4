package objects

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"

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
	answer, ok := errors.AsType[*Error](err)
	switch {
	case ok && answer.Hint != "":
		f.hint = answer.Hint
	case hint.Of(err) != "":
		f.hint = hint.Of(err)
	case errors.Is(err, layers.ErrDenied):
		f.hint = "check that the credentials are right, and that they may " + op + " objects there"
	case ok && answer.Status == 0:
		f.hint = unreachable(s.config.Label, answer.Cause)
	}
	return f
}

// unreachable says what to do about a service that does not answer.
func unreachable(label string, err error) string {
	switch _, unverified := errors.AsType[*tls.CertificateVerificationError](err); {
	case unverified:
		return reach.Hint(label, err)
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "the service does not speak TLS; if that is meant, write its address with http://"
	}
	return "check the address of the service, the network, and HTTPS_PROXY and NO_PROXY where there is a proxy"
}
