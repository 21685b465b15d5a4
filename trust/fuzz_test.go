package trust_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/trust"
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
		keychain := trust.Keychain(trust.KeychainOptions{Getenv: environment(map[string]string{
			"CNB_REGISTRY_AUTH": env, "DOCKER_AUTH_CONFIG": config,
		})})
		if _, err := keychain.Resolve(repo); err != nil && strings.Contains(err.Error(), "hunter2-secret") &&
			!strings.Contains(config, `"hunter2-secret":`) && !strings.Contains(config, "cred") {
			t.Errorf("the error shows the configuration: %v", err)
		}
	})
}

// FuzzGrant reads hostile wire forms, and checks that what can be read survives
// another trip.
func FuzzGrant(f *testing.F) {
	f.Add(`{"permits":[{"scope":[{"repository":"r.example.com/a","push":true}],"registrytoken":"t","life":60000000000,"left":1}]}`)
	f.Add(`{"permits":[{"scope":[{"repository":"NO/one"}],"username":"u","password":"p"},{}]}`)
	f.Fuzz(func(t *testing.T, wire string) {
		grant := &trust.Grant{}
		if json.Unmarshal([]byte(wire), grant) != nil {
			return
		}
		again := overTheWire(t, grant)
		if grant.String() != again.String() {
			t.Errorf("%s became %s", grant, again)
		}
		keychain := grant.Keychain(nil)
		for _, access := range grant.Scope() {
			if repo, err := name.NewRepository(access.Repository); err == nil {
				if _, err := keychain.Resolve(repo); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
