package trust_test

import (
	"cmp"
	"errors"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/test/testkeychain"
	"github.com/pack-cache/pack-cache/trust"
)

// sorted compares scopes whatever their order.
var sorted = cmpopts.SortSlices(func(a, b trust.Access) int { return cmp.Compare(a.Repository, b.Repository) })

// wantOutside fails unless a keychain refuses a repository.
func wantOutside(t *testing.T, keychain authn.Keychain, outside string) {
	t.Helper()
	_, err := keychain.Resolve(testkeychain.Repository(t, outside))
	if refused, ok := errors.AsType[*trust.OutsideError](err); !ok || refused.Resource == "" {
		t.Errorf("%s is not refused: %v", outside, err)
	}
}

// TestPasswordStaysInScope is about a registry that hands out no tokens: the
// phase has the user's password, and must give it out for nothing but the
// repositories of its scope, however a library asks.
func TestPasswordStaysInScope(t *testing.T) {
	t.Parallel()
	f := (&fakeRegistry{scheme: "Basic"}).start(t)
	app, run := testkeychain.Repository(t, f.host+"/app"), testkeychain.Repository(t, f.host+"/run")
	grant := overTheWire(t, mint(t, account(f), trust.Scope{trust.Push(app), trust.PullAnonymously(run)}))
	keychain := grant.Keychain(nil)
	if _, err := keychain.Resolve(app.Registry); err == nil {
		t.Error("the registry as a whole has a credential")
	}
	if got := resolved(t, trust.At(keychain, app), app.Registry); got.Password != f.password {
		t.Error("the app has no password when a library asks about its registry")
	}
	if got := resolved(t, trust.At(keychain, run), run.Registry); got != (authn.AuthConfig{}) {
		t.Error("a repository to be read anonymously has a password")
	}
	private := testkeychain.Repository(t, f.host+"/private")
	wantOutside(t, keychain, private.String())
	wantOutside(t, trust.At(keychain, app), private.String())
	wantOutside(t, trust.At(keychain, private), private.String())
	if _, err := trust.At(keychain, private).Resolve(private.Registry); err == nil {
		t.Error("a repository outside the scope has a password when a library asks about its registry")
	}
	other, err := name.NewRegistry("r.example.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trust.At(keychain, app).Resolve(other); err == nil {
		t.Error("another registry has a credential")
	}
}

// TestGrantCoversHost compares hosts as registries do.
func TestGrantCoversHost(t *testing.T) {
	t.Parallel()
	keychain := tokenGrant(t, "token", time.Minute, time.Minute).Keychain(nil)
	if got := resolved(t, keychain, testkeychain.Repository(t, "R.Example.com/app")); got.RegistryToken != "token" {
		t.Errorf("got %v", got)
	}
	wantOutside(t, keychain, "r.example.com:443/app")
	wantOutside(t, keychain, "example.com/app")
}

// TestMintAnonymously has one repository of a registry be read without the login
// that there is for it. The token names it all the same: only then a registry
// mounts its blobs.
func TestMintAnonymously(t *testing.T) {
	t.Parallel()
	f := (&fakeRegistry{scheme: "Bearer"}).start(t)
	app, run := testkeychain.Repository(t, f.host+"/app"), testkeychain.Repository(t, f.host+"/run")
	grant := mint(t, account(f), trust.Scope{trust.PullAnonymously(run), trust.Push(app)})
	if diff := gocmp.Diff([][]string{{"repository:app:push,pull", "repository:run:pull"}}, f.scopesAsked()); diff != "" {
		t.Error(diff)
	}
	if got := resolved(t, grant.Keychain(nil), run); got != (authn.AuthConfig{}) {
		t.Errorf("the repository to be read anonymously has %v", got)
	}
	// What the user has named, too, is not only the builder's wish.
	both := mint(t, account(f), trust.Scope{trust.PullAnonymously(run), trust.Pull(run)})
	if got := resolved(t, both.Keychain(nil), run); got.RegistryToken == "" {
		t.Error("a repository that the user has named has no credential")
	}
}
