package platform

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/lifecycle/phases"
	"github.com/pack-cache/pack-cache/trust"
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
// --cache-required demands was not saved.
type CacheNotSavedError struct{ To, Reason string }

// Error implements error.
func (e *CacheNotSavedError) Error() string {
	return fmt.Sprintf("the image was built, but the cache was not saved to %s: %s", e.To, e.Reason)
}

// Hint tells the way out.
func (e *CacheNotSavedError) Hint() string {
	return "leave out --cache-required to accept a build whose cache is not saved"
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

// remoteError says in the user's terms why an image could not be read.
func remoteError(what string, ref name.Reference, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	host := ref.Context().RegistryStr()
	answer, ok := errors.AsType[*transport.Error](err)
	if !ok {
		if _, ok := errors.AsType[*trust.CredentialError](err); ok {
			return err
		}
		return &hintedError{fmt.Errorf("%s %s cannot be read: %w", what, ref, err), fmt.Sprintf("check that registry %s can be reached from here", host)}
	}
	switch answer.StatusCode {
	case http.StatusNotFound:
		return &hintedError{fmt.Errorf("%s %s is not there", what, ref), "check the reference; a private registry may also hide what you may not see"}
	case http.StatusUnauthorized, http.StatusForbidden:
		return &trust.CredentialError{
			Host:   host,
			Access: trust.Scope{trust.Pull(ref.Context())},
			Reason: fmt.Sprintf("the registry refuses to let the %s be read (%d)", what, answer.StatusCode),
			Remedy: loginHint(host),
		}
	}
	return &hintedError{fmt.Errorf("%s %s cannot be read: %w", what, ref, err), fmt.Sprintf("registry %s answered %d; try again later", host, answer.StatusCode)}
}

func loginHint(host string) string {
	return fmt.Sprintf("log in with `docker login %s`, or set CNB_REGISTRY_AUTH", host)
}
