package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/quirks"
	"github.com/pack-cache/pack-cache/internal/reach"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
	"github.com/pack-cache/pack-cache/trust"
)

// remoteError says in the user's terms why an image could not be read.
func (p *Platform) remoteError(ctx context.Context, what string, ref name.Reference, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, ok := errors.AsType[*trust.CredentialError](err); ok {
		return err
	}
	host := ref.Context().RegistryStr()
	server := reach.Registry(host)
	if cause := reach.Cause(err); cause != nil {
		return hint.Errorf(server.Silent(cause), "%s %s cannot be read: %w", what, ref, cause)
	}
	if odd, ok := errors.AsType[*quirks.AnswerError](err); ok {
		return fmt.Errorf("%s %s cannot be read: %w", what, ref, odd)
	}
	answer, ok := errors.AsType[*transport.Error](err)
	if !ok {
		return hint.Errorf(server.Silent(err), "%s %s cannot be read: %w", what, ref, err)
	}
	switch answer.StatusCode {
	case http.StatusNotFound:
		return hint.Errorf("check the reference; a private registry may also hide what you may not see", "%s %s %w", what, ref, errNotThere)
	case http.StatusUnauthorized, http.StatusForbidden:
		return &trust.CredentialError{
			Host:   host,
			Access: trust.Scope{trust.Pull(ref.Context())},
			Reason: fmt.Sprintf("the registry refuses to let the %s be read (%d)", what, answer.StatusCode),
			Remedy: p.loginHint(host),
		}
	}
	return hint.Errorf(cmp.Or(server.Answered(answer.StatusCode), reach.Odd(host)), "%s %s cannot be read: %w", what, ref, err)
}

// troubleError says in the user's terms what a registry had to do with the
// failure of a phase.
func (p *Platform) troubleError(failed *phases.Error) error {
	trouble := failed.Trouble
	switch {
	case trouble.Denied():
		err := &trust.CredentialError{
			Host:   trouble.Host,
			Reason: "the registry refuses",
			Remedy: p.loginHint(trouble.Host),
			Err:    errors.New(trouble.Said),
		}
		if trouble.Access != nil {
			err.Access = trust.Scope{*trouble.Access}
		}
		return fmt.Errorf("%s: %w", failed.Phase, err)
	case trouble.Unreachable():
		return hint.Errorf(trouble.Advice, "%s: registry %s cannot be reached: %s", failed.Phase, trouble.Host, trouble.Said)
	}
	return hint.With(cmp.Or(trouble.Advice, reach.Registry(trouble.Host).Answered(trouble.Status), reach.Odd(trouble.Host)), failed)
}

// loginHint says what to do when a registry refuses.
func (p *Platform) loginHint(host string) string {
	registry, err := name.NewRegistry(host)
	if err != nil {
		return ""
	}
	known, err := p.Keychain.Resolve(registry)
	return reach.Login(host, err == nil && known != authn.Anonymous, "")
}
