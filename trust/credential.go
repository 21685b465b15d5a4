package trust

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/redact"
)

// credential is what authenticates to a registry. The zero value is anonymous.
//
// The secret sits in a function, because fmt, encoding/json and reflection
// cannot look inside one, not even through an unexported field of somebody
// else's struct.
type credential struct {
	reveal func() authn.AuthConfig
}

// newCredential returns the credential for config; the empty one is anonymous.
func newCredential(config authn.AuthConfig) credential {
	if config == (authn.AuthConfig{}) {
		return credential{}
	}
	return credential{reveal: func() authn.AuthConfig { return config }}
}

func (c credential) anonymous() bool { return c.reveal == nil }

// config returns the secret itself.
func (c credential) config() authn.AuthConfig {
	if c.reveal == nil {
		return authn.AuthConfig{}
	}
	return c.reveal()
}

// secrets returns every string that must not be seen, in every form in which it
// may travel.
func (c credential) secrets() []string {
	config := c.config()
	all := []string{config.Password, config.Auth, config.IdentityToken, config.RegistryToken}
	if config.Username != "" && config.Password != "" {
		all = append(all, basicAuth(config.Username, config.Password))
	}
	return all
}

// Authorization implements authn.Authenticator.
func (c credential) Authorization() (*authn.AuthConfig, error) {
	config := c.config()
	return &config, nil
}

// Format implements fmt.Formatter, so that no verb shows the secret.
func (c credential) Format(f fmt.State, _ rune) { fmt.Fprint(f, redact.Mark) }

// LogValue implements slog.LogValuer.
func (c credential) LogValue() slog.Value { return slog.StringValue(redact.Mark) }

// authenticator returns the credential for go-containerregistry, which compares
// it with authn.Anonymous.
func (c credential) authenticator() authn.Authenticator {
	if c.anonymous() {
		return authn.Anonymous
	}
	return &c
}

var _ authn.Authenticator = (*credential)(nil)

// resolve asks a keychain for the credential of a registry or repository.
func resolve(ctx context.Context, keychain authn.Keychain, resource authn.Resource) (credential, error) {
	found, err := authn.Resolve(ctx, keychain, resource)
	if err != nil {
		return credential{}, err
	}
	if found == authn.Anonymous {
		return credential{}, nil
	}
	config, err := authn.Authorization(ctx, found)
	if err != nil {
		return credential{}, err
	}
	return newCredential(normalAuth(*config)), nil
}
