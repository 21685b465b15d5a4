package trust

import (
	"context"
	"errors"

	"github.com/pack-cache/pack-cache/internal/reach"
)

// CredentialError says that a credential could not be had, or was refused. It
// never wraps a context's error, and holds no secret.
type CredentialError struct {
	// Host is the registry, with its port.
	Host string
	// Access is what was asked for. It is empty when the failure came before
	// anything was asked.
	Access Scope
	// Reason says what happened, in words that follow the host's name.
	Reason string
	// Remedy is what the user can do about it. It may be empty.
	Remedy string
	// Err is the cause. It may be nil.
	Err error
}

// Error implements error. It names the host and, where there is one, the
// repository and the action.
func (e *CredentialError) Error() string {
	text := "credentials for " + e.Host + ": " + e.Reason
	if len(e.Access) > 0 {
		text += ": " + e.Access.String()
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *CredentialError) Unwrap() error { return e.Err }

// Hint says what the user can do.
func (e *CredentialError) Hint() string { return e.Remedy }

// UnreachableError says that a registry, or its token server, did not answer as
// one should. It holds no secret.
type UnreachableError struct {
	// Host is the registry, with its port.
	Host string
	// Err is the cause.
	Err error
}

// Error implements error.
func (e *UnreachableError) Error() string {
	return "registry " + e.Host + " cannot be used: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// Hint says what the user can do.
func (e *UnreachableError) Hint() string {
	return reach.Registry(e.Host).Silent(e.Err)
}

// cancelled says whether err comes from a context that ended.
func cancelled(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
