package trust_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/trust"
)

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
