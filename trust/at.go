package trust

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// At returns a keychain that knows one repository. It is for clients that ask
// about the registry and mean the repository, as imgutil does: both get what
// keychain has for the repository. Every other resource is an *OutsideError.
func At(keychain authn.Keychain, repository name.Repository) authn.Keychain {
	return atKeychain{keychain, repository}
}

type atKeychain struct {
	inner      authn.Keychain
	repository name.Repository
}

var (
	_ authn.Keychain        = atKeychain{}
	_ authn.ContextKeychain = atKeychain{}
)

// Resolve implements authn.Keychain.
func (k atKeychain) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), resource)
}

// ResolveContext implements authn.ContextKeychain.
func (k atKeychain) ResolveContext(ctx context.Context, resource authn.Resource) (authn.Authenticator, error) {
	if key := resourceKey(resource); key != resourceKey(k.repository) && key != resourceKey(k.repository.Registry) {
		return nil, &OutsideError{resource.String()}
	}
	return authn.Resolve(ctx, k.inner, k.repository)
}

// OutsideError says that something is not in the scope of a grant.
type OutsideError struct{ Resource string }

// Error implements error.
func (e *OutsideError) Error() string {
	return fmt.Sprintf("%s is not among the repositories that this phase may use", e.Resource)
}
