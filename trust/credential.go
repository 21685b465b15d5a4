package trust

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/redact"
)

// Credential is what authenticates to a registry. The zero value is anonymous. It is
// immutable and safe for concurrent use.
//
// The secret sits in a function, because fmt, encoding/json and reflection
// cannot look inside one, not even through an unexported field of somebody
// else's struct.
type Credential struct {
	reveal func() authn.AuthConfig
}

// NewCredential returns the credential for config; the empty one is anonymous.
func NewCredential(config authn.AuthConfig) Credential {
	if config == (authn.AuthConfig{}) {
		return Credential{}
	}
	return Credential{reveal: func() authn.AuthConfig { return config }}
}

// Anonymous reports whether there is nothing that authenticates.
func (c Credential) Anonymous() bool { return c.reveal == nil }

// config returns the secret itself.
func (c Credential) config() authn.AuthConfig {
	if c.reveal == nil {
		return authn.AuthConfig{}
	}
	return c.reveal()
}

// secrets returns every string that must not be seen, in every form in which it
// may travel.
func (c Credential) secrets() []string {
	config := c.config()
	all := []string{config.Password, config.Auth, config.IdentityToken, config.RegistryToken}
	if config.Username != "" && config.Password != "" {
		all = append(all, basicAuth(config.Username, config.Password))
	}
	return all
}

// Authorization implements authn.Authenticator.
func (c Credential) Authorization() (*authn.AuthConfig, error) {
	config := c.config()
	return &config, nil
}

// Format implements fmt.Formatter, so that no verb shows the secret.
func (c Credential) Format(f fmt.State, _ rune) { fmt.Fprint(f, redact.Mark) }

// LogValue implements slog.LogValuer.
func (c Credential) LogValue() slog.Value { return slog.StringValue(redact.Mark) }

// Authenticator returns the credential for go-containerregistry, which compares
// it with authn.Anonymous.
func (c Credential) Authenticator() authn.Authenticator {
	if c.Anonymous() {
		return authn.Anonymous
	}
	return &c
}

var _ authn.Authenticator = (*Credential)(nil)

// resolve asks a keychain for the credential of a registry or repository.
func resolve(ctx context.Context, keychain authn.Keychain, resource authn.Resource) (Credential, error) {
	found, err := authn.Resolve(ctx, keychain, resource)
	if err != nil {
		return Credential{}, err
	}
	if found == authn.Anonymous {
		return Credential{}, nil
	}
	config, err := authn.Authorization(ctx, found)
	if err != nil {
		return Credential{}, err
	}
	return NewCredential(normalAuth(*config)), nil
}
