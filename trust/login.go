package trust

import (
	"context"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/redact"
)

// Login is a user and a password that were given for one repository.
type Login struct {
	Repository name.Repository
	Username   string
	Password   redact.Secret
}

// WithLogin returns a keychain in which login stands for its repository, and for
// nothing else: not for the rest of the registry, nor for the registry as a
// whole. Everything else is asked of others.
func WithLogin(others authn.Keychain, login Login) authn.Keychain {
	return &loginKeychain{
		others: others, repository: resourceKey(login.Repository),
		cred: NewCredential(authn.AuthConfig{Username: login.Username, Password: login.Password.Reveal()}),
	}
}

type loginKeychain struct {
	others     authn.Keychain
	repository string
	cred       Credential
}

var (
	_ authn.Keychain        = (*loginKeychain)(nil)
	_ authn.ContextKeychain = (*loginKeychain)(nil)
)

// Resolve implements authn.Keychain.
func (k *loginKeychain) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), resource)
}

// ResolveContext implements authn.ContextKeychain.
func (k *loginKeychain) ResolveContext(ctx context.Context, resource authn.Resource) (authn.Authenticator, error) {
	if resourceKey(resource) == k.repository {
		return k.cred.Authenticator(), nil
	}
	return authn.Resolve(ctx, k.others, resource)
}
