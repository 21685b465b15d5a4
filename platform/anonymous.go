package platform

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/trust"
)

// accessTo is access, or access without the user's login to what only somebody
// names who is not trusted.
func (p *Platform) accessTo(ctx context.Context, r *resolved, withoutLogin bool) []remote.Option {
	options := p.access(ctx, r)
	if withoutLogin {
		// In the place of the one before.
		options = append(options, remote.WithAuthFromKeychain(anonymous{}))
	}
	return options
}

// anonymous is a keychain that has nothing.
type anonymous struct{}

// Resolve implements authn.Keychain.
func (anonymous) Resolve(authn.Resource) (authn.Authenticator, error) { return authn.Anonymous, nil }

// builderAnonymous reports whether the builder is read without the user's login:
// only the source names it, and no list of the user's has it.
func (p *Platform) builderAnonymous(r *resolved) bool {
	if !r.builderFromProject || r.describedWithin() == "" {
		return false
	}
	return !trust.Judge(r.judged(), v1.Hash{}, trust.JudgeInput{Listed: p.Config.Trusted(), FromProject: true}).Builder
}

// builderUnnamed says why a builder could not be read that was read anonymously.
func (p *Platform) builderUnnamed(r *resolved, err error) error {
	if err == nil || !p.builderAnonymous(r) {
		return err
	}
	return withoutLogin(err, "builder", "only project.toml of the source names it",
		fmt.Sprintf("name it (--builder %s), or trust it (`pack-cache config trusted-builders add %s`)", r.Builder, r.Builder))
}

// withoutLogin says of an image that a registry did not let be read anonymously why
// the user's login was left out, and what the user can do if it is the right one.
func withoutLogin(err error, what, why, remedy string) error {
	remedy = fmt.Sprintf("it was read without your login, because %s: if that is the %s that you want, %s", why, what, remedy)
	if denied, ok := errors.AsType[*trust.CredentialError](err); ok {
		return &trust.CredentialError{
			Host: denied.Host, Access: denied.Access, Remedy: remedy,
			Reason: fmt.Sprintf("the registry refuses to let the %s be read without a login, and %s", what, why),
		}
	}
	if errors.Is(err, errNotThere) {
		return hint.With(remedy, err)
	}
	return err
}
