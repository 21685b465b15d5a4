package trust_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/internal/test/testkeychain"
	"github.com/pack-cache/pack-cache/trust"
)

// TestGrantRenewsEndedTokens lets every token end between two uses of one
// client, as in an upload that takes longer than a token lives.
func TestGrantRenewsEndedTokens(t *testing.T) {
	t.Parallel()
	f := (&fakeRegistry{scheme: "Bearer", life: 1}).start(t)
	scope := trust.Scope{trust.Push(testkeychain.Repository(t, f.host+"/app")), trust.Pull(testkeychain.Repository(t, f.host+"/run"))}
	grant := mint(t, account(f), scope)
	var renewals atomic.Int32
	keychain := overTheWire(t, grant).Keychain(func(ctx context.Context, host string) (*trust.Grant, error) {
		renewals.Add(1)
		fresh, err := trust.Mint(ctx, account(f), scope.OnHost(host), trust.MintOptions{})
		if err != nil {
			return nil, err
		}
		return overTheWire(t, fresh), nil
	})
	pusher, err := remote.NewPusher(remote.WithAuthFromKeychain(keychain))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := pusher.Push(t.Context(), tag(t, fmt.Sprintf("%s/app:%d", f.host, i)), image(t)); err != nil {
			t.Fatal(err)
		}
		f.expire()
		time.Sleep(time.Second)
	}
	if renewals.Load() == 0 {
		t.Error("no token was renewed")
	}
	for _, asked := range f.scopesAsked() {
		if want := "repository:app:push,pull repository:run:pull"; strings.Join(asked, " ") != want {
			t.Errorf("asked for %v", asked)
		}
	}
	if f.sawBasic() {
		t.Error("the registry saw the password")
	}
}

// tokenGrant makes a grant with one token as it comes over the wire.
func tokenGrant(t *testing.T, token string, life, left time.Duration) *trust.Grant {
	t.Helper()
	grant := &trust.Grant{}
	wire := fmt.Sprintf(`{"permits":[{"scope":[{"repository":"r.example.com/app","push":true}],"registrytoken":%q,"life":%d,"left":%d}]}`, token, life, left)
	if err := grant.UnmarshalJSON([]byte(wire)); err != nil {
		t.Fatal(err)
	}
	return grant
}

func TestGrantRenewal(t *testing.T) {
	t.Parallel()
	const life = 5 * time.Minute
	tests := []struct {
		name string
		left time.Duration
		wait time.Duration
		// again asks the same authenticator twice, as a client does whose token
		// was rejected.
		again bool
		want  string
	}{
		{"fresh", life, 0, false, "old"},
		{"not quite ending", life, life - 31*time.Second, false, "old"},
		{"ending", life, life - 29*time.Second, false, "new"},
		{"over", life, 2 * life, false, "new"},
		{"arrived late", time.Second, 0, false, "new"},
		{"rejected", life, 11 * time.Second, true, "new"},
		{"rejected at once, for what it allows", life, 0, true, "old"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				keychain := tokenGrant(t, "old", life, test.left).Keychain(func(context.Context, string) (*trust.Grant, error) {
					return tokenGrant(t, "new", life, life), nil
				})
				found, err := keychain.Resolve(testkeychain.Repository(t, "r.example.com/app"))
				if err != nil {
					t.Fatal(err)
				}
				if test.again {
					if _, err := found.Authorization(); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(test.wait)
				config, err := found.Authorization()
				if err != nil || config.RegistryToken != test.want {
					t.Errorf("got %q, %v, want %q", config.RegistryToken, err, test.want)
				}
			})
		})
	}
}

func TestGrantShortTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		renewals := 0
		keychain := tokenGrant(t, "t0", time.Minute, time.Minute).Keychain(func(context.Context, string) (*trust.Grant, error) {
			renewals++
			return tokenGrant(t, fmt.Sprintf("t%d", renewals), time.Minute, time.Minute), nil
		})
		for range 60 {
			// A new client every ten seconds.
			if got, err := testkeychain.Find(t, keychain, "r.example.com/app"); err != nil || got.RegistryToken == "" {
				t.Error(got, err)
			}
			time.Sleep(10 * time.Second)
		}
		if renewals < 9 || renewals > 13 {
			t.Errorf("%d renewals of a one-minute token in ten minutes", renewals)
		}
	})
}

func TestGrantRenewalThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("the pipe is closed")
		keychain := tokenGrant(t, "old", time.Minute, time.Minute).Keychain(func(context.Context, string) (*trust.Grant, error) {
			return nil, broken
		})
		time.Sleep(50 * time.Second)
		if got, err := testkeychain.Find(t, keychain, "r.example.com/app"); err != nil || got.RegistryToken != "old" {
			t.Errorf("while the token is still good: %v, %v", got, err)
		}
		time.Sleep(20 * time.Second)
		_, err := testkeychain.Find(t, keychain, "r.example.com/app")
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "r.example.com") {
			t.Errorf("error %v", err)
		}
	})
}

func TestGrantRenewalThatGivesLess(t *testing.T) {
	t.Parallel()
	keychain := tokenGrant(t, "old", time.Minute, -time.Second).Keychain(func(context.Context, string) (*trust.Grant, error) {
		return &trust.Grant{}, nil
	})
	if _, err := testkeychain.Find(t, keychain, "r.example.com/app"); err == nil || !strings.Contains(err.Error(), "push to r.example.com/app") {
		t.Errorf("error %v", err)
	}
}

func TestGrantWithoutRefresh(t *testing.T) {
	t.Parallel()
	keychain := tokenGrant(t, "old", time.Minute, -time.Minute).Keychain(nil)
	if got, err := testkeychain.Find(t, keychain, "r.example.com/app"); err != nil || got.RegistryToken != "old" {
		t.Error(got, err)
	}
}

func TestGrantRenewsOnceForMany(t *testing.T) {
	t.Parallel()
	var renewals atomic.Int32
	keychain := tokenGrant(t, "old", time.Minute, -time.Second).Keychain(func(context.Context, string) (*trust.Grant, error) {
		renewals.Add(1)
		return tokenGrant(t, "new", time.Minute, time.Minute), nil
	})
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if got, err := testkeychain.Find(t, keychain, "r.example.com/app"); err != nil || got.RegistryToken != "new" {
				t.Error(got, err)
			}
		})
	}
	group.Wait()
	if renewals.Load() != 1 {
		t.Errorf("%d renewals", renewals.Load())
	}
}

func TestGrantObservesTheContext(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	keychain := tokenGrant(t, "old", time.Minute, -time.Second).Keychain(func(context.Context, string) (*trust.Grant, error) {
		close(entered)
		<-leave
		return tokenGrant(t, "new", time.Minute, time.Minute), nil
	})
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := testkeychain.Find(t, keychain, "r.example.com/app"); err != nil {
			t.Error(err)
		}
	})
	<-entered
	found, err := keychain.Resolve(testkeychain.Repository(t, "r.example.com/app"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := authn.Authorization(ctx, found); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	close(leave)
	group.Wait()
}
