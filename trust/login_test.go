package trust_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/internal/test/testkeychain"
	"github.com/pack-cache/pack-cache/trust"
)

// resolved is the user that a keychain has for a repository or a registry.
func resolved(t *testing.T, keychain authn.Keychain, resource authn.Resource) authn.AuthConfig {
	t.Helper()
	found, err := keychain.Resolve(resource)
	if err != nil {
		t.Fatal(err)
	}
	config, err := found.Authorization()
	if err != nil {
		t.Fatal(err)
	}
	return *config
}

// TestWithLogin gives a login to its repository alone.
func TestWithLogin(t *testing.T) {
	t.Parallel()
	others := fakeKeychain{"r.example.com": {Username: "everyday", Password: "everyday-password"}}
	keychain := trust.WithLogin(others, trust.Login{
		Repository: testkeychain.Repository(t, "r.example.com/team/cache"), Username: "robot", Password: redact.NewSecret("robots-password"),
	})
	for resource, want := range map[string]string{
		"r.example.com/team/cache": "robot", "R.Example.com/team/cache": "robot",
		"r.example.com/team/cache/more": "everyday", "r.example.com/team": "everyday", "r.example.com/team/app": "everyday",
		"r.example.com:5000/team/cache": "", "evil.example.com/team/cache": "",
	} {
		if got := resolved(t, keychain, testkeychain.Repository(t, resource)).Username; got != want {
			t.Errorf("%s is for %q, want %q", resource, got, want)
		}
	}
	if got := resolved(t, keychain, testkeychain.Repository(t, "r.example.com/x").Registry).Username; got != "everyday" {
		t.Errorf("the registry is for %q", got)
	}
	if shown := fmt.Sprintf("%v %+v %#v", keychain, keychain, keychain); strings.Contains(shown, "robots-password") {
		t.Errorf("printed, the keychain shows its secret: %s", shown)
	}
}

// TestMintWithLogin keeps what was minted with a login for a cache away from the
// images of the same registry.
func TestMintWithLogin(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		scheme string
		others func(f *fakeRegistry) fakeKeychain
		app    bool
	}{
		{"tokens", "Bearer", account, true},
		{"no tokens", "Basic", account, true},
		{"images for everybody", "Basic", func(*fakeRegistry) fakeKeychain { return fakeKeychain{} }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := (&fakeRegistry{scheme: test.scheme}).start(t)
			keychain := trust.WithLogin(test.others(f), trust.Login{
				// It sorts before the app.
				Repository: testkeychain.Repository(t, f.host+"/a-cache"), Username: f.user, Password: redact.NewSecret(f.password),
			})
			grant := overTheWire(t, mint(t, keychain, trust.Scope{
				{Repository: f.host + "/app", Push: true}, {Repository: f.host + "/run"}, {Repository: f.host + "/a-cache", Push: true, Optional: true},
			}))
			app := resolved(t, grant.Keychain(nil), testkeychain.Repository(t, f.host+"/app"))
			cache := resolved(t, grant.Keychain(nil), testkeychain.Repository(t, f.host+"/a-cache"))
			if (app != authn.AuthConfig{}) != test.app || (cache == authn.AuthConfig{}) {
				t.Errorf("app: %v, cache: %v", app, cache)
			}
		})
	}
}

func TestDeletion(t *testing.T) {
	t.Parallel()
	f := (&fakeRegistry{scheme: "Bearer"}).start(t)
	scope := trust.Scope{trust.Deletion(testkeychain.Repository(t, f.host+"/cache"))}
	mint(t, account(f), scope)
	if diff := cmp.Diff([][]string{{"repository:cache:pull,delete"}}, f.scopesAsked()); diff != "" {
		t.Error(diff)
	}
	if want := "delete in " + f.host + "/cache"; scope.String() != want {
		t.Errorf("%q, want %q", scope, want)
	}
}
