package keychain

import (
	"errors"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/trust"
)

// parseHeader parses a value of CNB_REGISTRY_AUTH as the lifecycle does: Basic,
// Bearer, or X-Identity for an identity token, which has no header of its own.
// The error does not show the value.
func parseHeader(header string) (authn.AuthConfig, error) {
	scheme, value, ok := strings.Cut(strings.TrimSpace(header), " ")
	value = strings.TrimSpace(value)
	if !ok || value == "" {
		return authn.AuthConfig{}, errors.New(`not "Basic …", "Bearer …" or "X-Identity …"`)
	}
	switch strings.ToLower(scheme) {
	case "basic":
		user, password, err := trust.ParseBasic(value)
		return authn.AuthConfig{Username: user, Password: password}, err
	case "bearer":
		return authn.AuthConfig{RegistryToken: value}, nil
	case "x-identity":
		return authn.AuthConfig{IdentityToken: value}, nil
	}
	return authn.AuthConfig{}, errors.New(`not "Basic …", "Bearer …" or "X-Identity …"`)
}
