package registry

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/test/testran"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/storetest"
)

// users are a writer, a reader, and one who may do nothing.
var users = []testregistry.User{
	{Name: "writer", Password: "writers-password"},
	{Name: "reader", Password: "readers-password", May: map[string][]string{"*": {"pull"}}},
	{Name: "nobody", Password: "nobodys-password", May: map[string][]string{}},
}

var secrets = []string{"writers-password", "readers-password", "nobodys-password", "wrong-password"}

func TestContract(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		options testregistry.Options
	}{
		{"plain", testregistry.Options{Delete: true}},
		{"TLS", testregistry.Options{TLS: true, Delete: true}},
		{"basic", testregistry.Options{Auth: testregistry.Basic, Users: users, Delete: true}},
		{"token", testregistry.Options{Auth: testregistry.Token, Users: users, Delete: true}},
		{"token and TLS", testregistry.Options{Auth: testregistry.Token, Users: users, TLS: true, Delete: true}},
		{"short tokens", testregistry.Options{Auth: testregistry.Token, Users: users, Delete: true,
			Tokens: testregistry.TokenOptions{TTL: 4 * time.Second}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := testregistry.New(t, test.options)
			o := options(r, test.options.Auth)
			if test.name == "plain" {
				o.Damage = damager(r)
			}
			storetest.Run(t, opener(r, keychain(r, test.options.Auth, "writer")), o)
		})
	}
}

// TestContractElsewhere runs the contract on the registries of other projects.
func TestContractElsewhere(t *testing.T) {
	t.Parallel()
	for _, other := range testservers.Registries() {
		if other.Shares {
			continue // the contract wants a blob that is nowhere yet
		}
		t.Run(other.Name, func(t *testing.T) {
			t.Parallel()
			testran.Against(t, testran.Row{
				Subject: "Registries", Peer: other.Name, Version: testran.Module(t, other.Name, other.Module),
				Done: "the contract of stores",
			})
			r := &testregistry.Registry{Addr: other.New(t)}
			storetest.Run(t, opener(r, nil), options(r, testregistry.Open))
		})
	}
}

func keychain(r *testregistry.Registry, auth testregistry.Auth, user string) authn.Keychain {
	if auth == testregistry.Open {
		return nil
	}
	return r.Keychain(user)
}

// opener returns a function that opens a store in a repository of its own.
func opener(r *testregistry.Registry, keychain authn.Keychain) func(*testing.T) layers.Store {
	var count atomic.Int64
	return func(t *testing.T) layers.Store {
		return open(t, r, fmt.Sprintf("%s/team_a/cache-%d", r.Addr, count.Add(1)), keychain)
	}
}

func open(t *testing.T, r *testregistry.Registry, written string, keychain authn.Keychain) *Store {
	t.Helper()
	return New(Config{Ref: ref(t, written), Keychain: keychain, Transport: r.Transport()})
}

func options(r *testregistry.Registry, auth testregistry.Auth) storetest.Options {
	as := func(chain authn.Keychain) func(*testing.T, layers.Store) layers.Store {
		return func(t *testing.T, s layers.Store) layers.Store { return open(t, r, s.String(), chain) }
	}
	o := storetest.Options{Secrets: secrets, Reopen: as(keychain(r, auth, "writer"))}
	switch auth {
	case testregistry.Basic:
		o.Denied = as(fixed{&authn.Basic{Username: "writer", Password: "wrong-password"}})
	case testregistry.Token:
		o.ReadOnly, o.Denied = as(r.Keychain("reader")), as(r.Keychain("nobody"))
	}
	return o
}

// damager changes files behind a registry's back.
func damager(r *testregistry.Registry) func(*testing.T, layers.Store, storetest.Part, func([]byte) []byte) bool {
	return func(t *testing.T, _ layers.Store, at storetest.Part, do func([]byte) []byte) bool {
		path := filepath.Join(r.Root(), "docker/registry/v2/blobs/sha256", at.Digest.Hex[:2], at.Digest.Hex, "data")
		storetest.DamageFile(t, path, do)
		return true
	}
}

// fixed is a keychain with one credential.
type fixed struct{ authn.Authenticator }

// Resolve implements authn.Keychain.
func (f fixed) Resolve(authn.Resource) (authn.Authenticator, error) { return f.Authenticator, nil }
