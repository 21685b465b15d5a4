package trust

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
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

func (s *envSource) find(_ context.Context, resource authn.Resource) (credential, error) {
	s.once.Do(s.read)
	if s.err != nil {
		return credential{}, &CredentialError{
			Host: resource.RegistryStr(), Reason: registryAuth + " cannot be read", Err: s.err,
			Remedy: registryAuth + ` is a JSON object such as {"registry.example.com": "Basic …"}; unset it to do without`,
		}
	}
	header, ok := s.headers[normalHost(resource.RegistryStr())]
	if !ok {
		return credential{}, nil
	}
	config, err := parseHeader(header())
	if err != nil {
		return credential{}, &CredentialError{
			Host: resource.RegistryStr(), Reason: "the value in " + registryAuth + " is malformed", Err: err,
			Remedy: "Basic takes the base64 form of user:password",
		}
	}
	return newCredential(config), nil
}

func (s *envSource) read() {
	value := s.getenv(registryAuth)
	if value == "" {
		return
	}
	headers := map[string]string{}
	if s.err = jsonError(json.Unmarshal([]byte(value), &headers)); s.err != nil {
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
