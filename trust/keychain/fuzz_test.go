package keychain_test

import (
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/trust/keychain"
)

// FuzzKeychain reads hostile configurations: nothing panics, and no error
// repeats what a configuration says.
func FuzzKeychain(f *testing.F) {
	f.Add(`{"r.example.com":"Basic Ym9iOng="}`, `{"auths":{"r.example.com/x":{"auth":"Ym9iOng="}},"credHelpers":{"r.example.com":"none"}}`)
	f.Add(`{"https://r.example.com/v1/":"hunter2-secret"}`, `{"auths":{"r.example.com":{"auth":"hunter2-secret"}}}`)
	f.Add(``, `{"auths":{"r.example.com":["hunter2-secret"]},"credsStore":"../x"}`)
	repo, err := name.NewRepository("r.example.com/acme/app")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, env, config string) {
		found := keychain.New(keychain.Options{Getenv: environment(map[string]string{
			"CNB_REGISTRY_AUTH": env, "DOCKER_AUTH_CONFIG": config,
		})})
		if _, err := found.Resolve(repo); err != nil && strings.Contains(err.Error(), "hunter2-secret") &&
			!strings.Contains(config, `"hunter2-secret":`) && !strings.Contains(config, "cred") {
			t.Errorf("the error shows the configuration: %v", err)
		}
	})
}
