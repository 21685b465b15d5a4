package keychain

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/grammar"
	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/trust"
)

// registryAuth is the variable in which the Platform specification passes
// registry credentials: a JSON object from registries to Authorization headers.
const registryAuth = "CNB_REGISTRY_AUTH"

// envSource reads CNB_REGISTRY_AUTH.
type envSource struct {
	getenv func(string) string

	once    sync.Once
	headers map[string]func() string
	err     error
}

func (s *envSource) find(_ context.Context, resource authn.Resource) (trust.Credential, error) {
	s.once.Do(s.read)
	if s.err != nil {
		return trust.Credential{}, &trust.CredentialError{
			Host: resource.RegistryStr(), Reason: registryAuth + " cannot be read", Err: s.err,
			Remedy: registryAuth + ` is a JSON object such as {"registry.example.com": "Basic …"}; unset it to do without`,
		}
	}
	header, ok := s.headers[grammar.Host(resource.RegistryStr())]
	if !ok {
		return trust.Credential{}, nil
	}
	config, err := parseHeader(header())
	if err != nil {
		return trust.Credential{}, &trust.CredentialError{
			Host: resource.RegistryStr(), Reason: "the value in " + registryAuth + " is malformed", Err: err,
			Remedy: "Basic takes the base64 form of user:password",
		}
	}
	return trust.NewCredential(config), nil
}

func (s *envSource) read() {
	value := s.getenv(registryAuth)
	if value == "" {
		return
	}
	headers := map[string]string{}
	if s.err = redact.JSONError(json.Unmarshal([]byte(value), &headers)); s.err != nil {
		return
	}
	s.headers = map[string]func() string{}
	for _, key := range slices.Sorted(maps.Keys(headers)) {
		// The lifecycle takes any path for one of the registry.
		host, _, _ := strings.Cut(keyOf(key), "/")
		if _, ok := s.headers[host]; !ok || key == host {
			s.headers[host] = func() string { return headers[key] }
		}
	}
}
