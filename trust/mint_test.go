package trust_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/internal/test/testkeychain"
	"github.com/pack-cache/pack-cache/trust"
	"github.com/pack-cache/pack-cache/trust/keychain"
)

// fakeKeychain has credentials for repositories or hosts, and counts nothing
// else than what it was asked.
type fakeKeychain map[string]authn.AuthConfig

func (k fakeKeychain) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	for _, key := range []string{resource.String(), resource.RegistryStr()} {
		if config, ok := k[key]; ok {
			return authn.FromConfig(config), nil
		}
	}
	return authn.Anonymous, nil
}

// account is a keychain with the registry's own account.
func account(f *fakeRegistry) fakeKeychain {
	return fakeKeychain{f.host: {Username: f.user, Password: f.password}}
}

func mint(t *testing.T, keychain authn.Keychain, scope trust.Scope) *trust.Grant {
	t.Helper()
	grant, err := trust.Mint(t.Context(), keychain, scope, trust.MintOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return grant
}

// overTheWire sends a grant to the phase's side.
func overTheWire(t *testing.T, grant *trust.Grant) *trust.Grant {
	t.Helper()
	data, err := json.Marshal(grant)
	if err != nil {
		t.Fatal(err)
	}
	arrived := &trust.Grant{}
	if err := json.Unmarshal(data, arrived); err != nil {
		t.Fatal(err)
	}
	return arrived
}

func image(t *testing.T) v1.Image {
	t.Helper()
	img, err := random.Image(64, 2)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func tag(t *testing.T, s string) name.Tag {
	t.Helper()
	ref, err := name.NewTag(s)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// TestMintToken follows a grant from the password to a push, a mount and a pull.
func TestMintToken(t *testing.T) {
	t.Parallel()
	f := (&fakeRegistry{scheme: "Bearer", life: 300}).start(t)
	base := image(t)
	seed(t, f, "acme/run", base)
	grant := mint(t, account(f), trust.Scope{
		{Repository: f.host + "/acme/run"},
		{Repository: f.host + "/acme/app", Push: true},
		{Repository: f.host + "/acme/cache", Push: true},
		{Repository: f.host + "/acme/app"},
	})
	want := [][]string{{"repository:acme/app:push,pull", "repository:acme/cache:push,pull", "repository:acme/run:pull"}}
	if diff := cmp.Diff(want, f.scopesAsked()); diff != "" {
		t.Errorf("scopes asked for: %s", diff)
	}
	keychain := overTheWire(t, grant).Keychain(nil)
	options := []remote.Option{remote.WithAuthFromKeychain(keychain)}

	pulled, err := remote.Image(tag(t, f.host+"/acme/run:1"), options...)
	if err != nil {
		t.Fatal(err)
	}
	extra, err := random.Layer(64, "application/vnd.docker.image.rootfs.diff.tar.gzip")
	if err != nil {
		t.Fatal(err)
	}
	app, err := mutate.AppendLayers(pulled, extra)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag(t, f.host+"/acme/app:1"), app, options...); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"acme/run", "acme/run"}, f.mounted()); diff != "" {
		t.Errorf("mounted from: %s", diff)
	}
	if err := remote.Write(tag(t, f.host+"/acme/cache:1"), image(t), options...); err != nil {
		t.Fatal(err)
	}
	if len(f.scopesAsked()) != 1 {
		t.Errorf("the phase asked for tokens itself: %v", f.scopesAsked()[1:])
	}
	if f.sawBasic() {
		t.Error("the registry saw the password")
	}
	// What the scope does not name fails, and finds no credential.
	if err := remote.Write(tag(t, f.host+"/acme/run:2"), image(t), options...); err == nil {
		t.Error("a repository that may be pulled could be pushed to")
	}
	if _, err := remote.Image(tag(t, f.host+"/acme/other:1"), options...); err == nil {
		t.Error("a repository outside the scope could be pulled")
	}
	for _, outside := range []string{f.host + "/acme/other", f.host + "/acme", f.host + "/acme/app/x", "acme/app", "localhost:1/acme/app"} {
		wantOutside(t, keychain, outside)
	}
}

// seed puts an image into the registry without asking for permission.
func seed(t *testing.T, f *fakeRegistry, repo string, img v1.Image) {
	t.Helper()
	server := httptest.NewServer(f.handler)
	defer server.Close()
	if err := remote.Write(tag(t, strings.TrimPrefix(server.URL, "http://")+"/"+repo+":1"), img); err != nil {
		t.Fatal(err)
	}
}

func TestMintWithoutTokens(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"Basic", ""} {
		t.Run("scheme "+scheme, func(t *testing.T) {
			t.Parallel()
			f := (&fakeRegistry{scheme: scheme}).start(t)
			keychain := overTheWire(t, mint(t, account(f), trust.Scope{trust.Push(testkeychain.Repository(t, f.host+"/app"))})).Keychain(nil)
			if err := remote.Write(tag(t, f.host+"/app:1"), image(t), remote.WithAuthFromKeychain(keychain)); err != nil {
				t.Fatal(err)
			}
			got, err := testkeychain.Find(t, keychain, f.host+"/app")
			if diff := cmp.Diff(authn.AuthConfig{Username: f.user, Password: f.password}, got); err != nil || diff != "" {
				t.Error(diff, err)
			}
			wantOutside(t, keychain, f.host+"/other")
			if len(f.scopesAsked()) != 0 {
				t.Error("asked for a token")
			}
		})
	}
}

func TestMintAnonymous(t *testing.T) {
	t.Parallel()
	f := (&fakeRegistry{scheme: "Bearer"}).start(t)
	grant := overTheWire(t, mint(t, fakeKeychain{}, trust.Scope{trust.Pull(testkeychain.Repository(t, f.host+"/app"))}))
	found, err := grant.Keychain(nil).Resolve(testkeychain.Repository(t, f.host+"/app"))
	if err != nil || found != authn.Anonymous {
		t.Error(found, err)
	}
	if diff := cmp.Diff("pull from "+f.host+"/app", grant.Scope().String()); diff != "" {
		t.Error(diff)
	}
	if f.attempts != 0 || len(f.scopesAsked()) != 0 {
		t.Error("the registry was asked, although there is nothing to narrow")
	}
}

func TestMintPassesATokenOn(t *testing.T) {
	t.Parallel()
	f := (&fakeRegistry{scheme: "Bearer"}).start(t)
	keychain := fakeKeychain{f.host: {RegistryToken: "made-by-the-user"}}
	grant := overTheWire(t, mint(t, keychain, trust.Scope{trust.Pull(testkeychain.Repository(t, f.host+"/app"))}))
	if got, err := testkeychain.Find(t, grant.Keychain(nil), f.host+"/app"); err != nil || got.RegistryToken != "made-by-the-user" {
		t.Error(got, err)
	}
	if len(f.scopesAsked()) != 0 {
		t.Error("the token was sent to the token server")
	}
}

func TestMintIdentityToken(t *testing.T) {
	t.Parallel()
	f := (&fakeRegistry{scheme: "Bearer"}).start(t)
	identity := fakeKeychain{f.host: {IdentityToken: "identity-" + f.password}}
	grant := mint(t, identity, trust.Scope{trust.Push(testkeychain.Repository(t, f.host+"/app")), trust.Pull(testkeychain.Repository(t, f.host+"/run"))})
	if diff := cmp.Diff([][]string{{"repository:app:push,pull", "repository:run:pull"}}, f.scopesAsked()); diff != "" {
		t.Error(diff)
	}
	if err := remote.Write(tag(t, f.host+"/app:1"), image(t), remote.WithAuthFromKeychain(grant.Keychain(nil))); err != nil {
		t.Error(err)
	}
	f = (&fakeRegistry{scheme: "Basic"}).start(t)
	identity = fakeKeychain{f.host: {IdentityToken: "identity"}}
	_, err := trust.Mint(t.Context(), identity, trust.Scope{trust.Push(testkeychain.Repository(t, f.host+"/app"))}, trust.MintOptions{})
	testkeychain.WantCredentialError(t, err, f.host, "identity token")
}

// TestMintPerCredential checks that repositories of one registry with their own
// credentials do not share a token.
func TestMintPerCredential(t *testing.T) {
	t.Parallel()
	f := (&fakeRegistry{scheme: "Bearer"}).start(t)
	keychain := account(f)
	keychain[f.host+"/public"] = authn.AuthConfig{RegistryToken: "other"}
	keychain[f.host+"/more"] = authn.AuthConfig{Username: f.user, Password: f.password}
	grant := mint(t, keychain, trust.Scope{{Repository: f.host + "/public"}, {Repository: f.host + "/app", Push: true}, {Repository: f.host + "/more"}})
	if diff := cmp.Diff([][]string{{"repository:app:push,pull", "repository:more:pull"}}, f.scopesAsked()); diff != "" {
		t.Error(diff)
	}
	for repo, want := range map[string]string{"/public": "other", "/app": "secret-token-1", "/more": "secret-token-1"} {
		if got, err := testkeychain.Find(t, grant.Keychain(nil), f.host+repo); err != nil || got.RegistryToken != want {
			t.Errorf("%s: %v, %v", repo, got, err)
		}
	}
}

func TestMintRefused(t *testing.T) {
	t.Parallel()
	scope := func(f *fakeRegistry) trust.Scope {
		return trust.Scope{
			trust.Push(testkeychain.Repository(t, f.host+"/app")),
			trust.Push(testkeychain.Repository(t, f.host+"/cache")).OrDoWithout(),
			trust.Pull(testkeychain.Repository(t, f.host+"/run")),
		}
	}
	t.Run("wrong password", func(t *testing.T) {
		t.Parallel()
		f := (&fakeRegistry{scheme: "Bearer"}).start(t)
		_, err := trust.Mint(t.Context(), fakeKeychain{f.host: {Username: "bob", Password: "wrong-password"}}, scope(f), trust.MintOptions{})
		testkeychain.WantCredentialError(t, err, "credentials for "+f.host, "push to "+f.host+"/app", "pull from "+f.host+"/run", "401 Unauthorized")
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "wrong-password") {
			t.Errorf("the error shows the password: %v", err)
		}
	})
	t.Run("required", func(t *testing.T) {
		t.Parallel()
		f := (&fakeRegistry{scheme: "Bearer", refused: []string{"repository:app:push,pull"}}).start(t)
		_, err := trust.Mint(t.Context(), account(f), scope(f), trust.MintOptions{})
		testkeychain.WantCredentialError(t, err, f.host, "push to "+f.host+"/app", "403 Forbidden DENIED")
		if err != nil && strings.Contains(err.Error(), "/run") {
			t.Errorf("the error names what was not refused: %v", err)
		}
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), f.password) {
			t.Errorf("the error shows the password: %v", err)
		}
	})
	t.Run("optional", func(t *testing.T) {
		t.Parallel()
		f := (&fakeRegistry{scheme: "Bearer", refused: []string{"repository:cache:push,pull"}}).start(t)
		grant := mint(t, account(f), scope(f))
		asked := f.scopesAsked()
		if diff := cmp.Diff([]string{"repository:app:push,pull", "repository:run:pull"}, asked[len(asked)-1]); diff != "" {
			t.Error(diff)
		}
		refusals := grant.Refusals()
		if len(refusals) != 1 || refusals[0].Access.Repository != f.host+"/cache" {
			t.Fatal(refusals)
		}
		testkeychain.WantCredentialError(t, refusals[0].Err, "push to "+f.host+"/cache")
		if err := remote.Write(tag(t, f.host+"/app:1"), image(t), remote.WithAuthFromKeychain(grant.Keychain(nil))); err != nil {
			t.Error(err)
		}
		if got, err := testkeychain.Find(t, grant.Keychain(nil), f.host+"/cache"); err != nil || got != (authn.AuthConfig{}) {
			t.Error(got, err)
		}
	})
	t.Run("several at once", func(t *testing.T) {
		t.Parallel()
		f := (&fakeRegistry{scheme: "Bearer", oneScopeOnly: true}).start(t)
		grant := mint(t, account(f), scope(f))
		for _, repo := range []string{"app", "cache"} {
			if err := remote.Write(tag(t, f.host+"/"+repo+":1"), image(t), remote.WithAuthFromKeychain(grant.Keychain(nil))); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("quietly", func(t *testing.T) {
		t.Parallel()
		f := (&fakeRegistry{scheme: "Bearer", quietly: []string{"repository:app:push,pull"}}).start(t)
		grant := mint(t, account(f), scope(f))
		if err := remote.Write(tag(t, f.host+"/app:1"), image(t), remote.WithAuthFromKeychain(grant.Keychain(nil))); err == nil {
			t.Error("no error")
		}
	})
}

func TestMintUnreachable(t *testing.T) {
	t.Parallel()
	down := httptest.NewServer(http.NotFoundHandler())
	host := strings.TrimPrefix(down.URL, "http://")
	down.Close()
	f := (&fakeRegistry{scheme: "Bearer"}).start(t)
	keychain := account(f)
	keychain[host] = authn.AuthConfig{Username: "bob", Password: "hunter2-password"}
	app, cache := trust.Push(testkeychain.Repository(t, f.host+"/app")), trust.Push(testkeychain.Repository(t, host+"/cache"))

	_, err := trust.Mint(t.Context(), keychain, trust.Scope{app, cache}, trust.MintOptions{})
	var known *trust.CredentialError
	if err == nil || !strings.Contains(err.Error(), host) || errors.As(err, &known) {
		t.Errorf("error %v", err)
	}
	grant := mint(t, keychain, trust.Scope{app, cache.OrDoWithout()})
	if refusals := grant.Refusals(); len(refusals) != 1 || !strings.Contains(refusals[0].Err.Error(), "connection refused") {
		t.Error(refusals)
	}
	if diff := cmp.Diff(trust.Scope{cache.OrDoWithout(), app}, grant.Scope(), sorted); diff != "" {
		t.Error(diff)
	}
	if got, err := testkeychain.Find(t, grant.Keychain(nil), host+"/cache"); err != nil || got != (authn.AuthConfig{}) {
		t.Errorf("a repository that could not be had: %v, %v", got, err)
	}
}

func TestMintTokenServerThatAnswersNonsense(t *testing.T) {
	t.Parallel()
	answers := map[string]func(http.ResponseWriter, *http.Request){
		"not JSON": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("Authorization")) },
		"no token": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"refresh_token":"secret-refresh"}`) },
		"an error": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, r.Header.Get("Authorization"), http.StatusTeapot)
		},
		"a bad place": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.9:1/?token=secret-x", http.StatusFound)
		},
	}
	for what, answer := range answers {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := (&fakeRegistry{scheme: "Bearer", answer: answer}).start(t)
			_, err := trust.Mint(t.Context(), account(f), trust.Scope{trust.Pull(testkeychain.Repository(t, f.host+"/app"))}, trust.MintOptions{})
			if err == nil || !strings.Contains(err.Error(), f.host) {
				t.Fatalf("error %v", err)
			}
			text := fmt.Sprintf("%v %+v %#v", err, err, err)
			if strings.Contains(text, testkeychain.Basic(f.user, f.password)) || strings.Contains(text, "secret-") {
				t.Errorf("the error shows a secret: %s", text)
			}
		})
	}
}

// failingKeychain is a keychain whose helper is missing.
type failingKeychain struct{ err error }

func (k failingKeychain) Resolve(authn.Resource) (authn.Authenticator, error) { return nil, k.err }

func TestMintKeychainThatFails(t *testing.T) {
	t.Parallel()
	cause := &trust.CredentialError{Host: "r.example.com", Reason: "the helper is missing", Remedy: "install it"}
	app := trust.Push(testkeychain.Repository(t, "r.example.com/app"))
	if _, err := trust.Mint(t.Context(), failingKeychain{cause}, trust.Scope{app}, trust.MintOptions{}); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
	grant := mint(t, failingKeychain{cause}, trust.Scope{app.OrDoWithout()})
	if refusals := grant.Refusals(); len(refusals) != 1 || !errors.Is(refusals[0].Err, cause) {
		t.Error(refusals)
	}
}

func TestMintCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := (&fakeRegistry{scheme: "Bearer", answer: func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}}).start(t)
	_, err := trust.Mint(ctx, account(f), trust.Scope{trust.Push(testkeychain.Repository(t, f.host+"/app")).OrDoWithout()}, trust.MintOptions{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestMintBadScope(t *testing.T) {
	t.Parallel()
	if _, err := trust.Mint(t.Context(), fakeKeychain{}, trust.Scope{{Repository: "NOT/one"}}, trust.MintOptions{}); err == nil || !strings.Contains(err.Error(), "NOT/one") {
		t.Errorf("error %v", err)
	}
	grant := mint(t, fakeKeychain{}, nil)
	if len(grant.Scope()) != 0 {
		t.Error(grant)
	}
}

func TestMintInsecure(t *testing.T) {
	t.Parallel()
	f := (&fakeRegistry{scheme: "Bearer"}).start(t)
	// A name that is not obviously local is spoken to with TLS only, unless it
	// is listed.
	_, port, _ := strings.Cut(f.host, ":")
	host := "registry.example.com:" + port
	keychain := fakeKeychain{host: {Username: f.user, Password: f.password}}
	scope := trust.Scope{trust.Push(testkeychain.Repository(t, host+"/app"))}
	transport := toLoopback{f.host}
	if _, err := trust.Mint(t.Context(), keychain, scope, trust.MintOptions{Transport: transport}); err == nil {
		t.Error("spoke to a secure registry without TLS")
	}
	if _, err := trust.Mint(t.Context(), keychain, scope, trust.MintOptions{Transport: transport, Insecure: []string{"REGISTRY.example.com:" + port}}); err != nil {
		t.Error(err)
	}
}

func TestMintInsecureCertificate(t *testing.T) {
	t.Parallel()
	f := (&fakeRegistry{scheme: "Bearer", tls: true}).start(t)
	scope := trust.Scope{trust.Push(testkeychain.Repository(t, f.host+"/app"))}
	_, err := trust.Mint(t.Context(), account(f), scope, trust.MintOptions{Insecure: []string{"other.example.com"}})
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("error %v", err)
	}
	grant, err := trust.Mint(t.Context(), account(f), scope, trust.MintOptions{Insecure: []string{f.host}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := testkeychain.Find(t, grant.Keychain(nil), f.host+"/app"); err != nil || got.RegistryToken == "" {
		t.Error(err)
	}
}

// loopback is apart from other tests, whose servers close idle connections of
// http.DefaultTransport.
var loopback = http.DefaultTransport.(*http.Transport).Clone()

// toLoopback sends every request to one address.
type toLoopback struct{ address string }

func (l toLoopback) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	r.URL.Host = l.address
	return loopback.RoundTrip(r)
}

func TestScopeOnHost(t *testing.T) {
	t.Parallel()
	scope := trust.Scope{{Repository: "acme/a"}, {Repository: "r.example.com/b", Push: true}, {Repository: "docker.io/acme/c"}}
	if diff := cmp.Diff("pull from acme/a, pull from docker.io/acme/c", scope.OnHost("index.docker.io").String()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("push to r.example.com/b", scope.OnHost("R.example.com").String()); diff != "" {
		t.Error(diff)
	}
}

// TestSecretsDoNotPrint looks for the secrets in everything that can print.
func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	bearer := (&fakeRegistry{scheme: "Bearer"}).start(t)
	plain := (&fakeRegistry{scheme: "Basic"}).start(t)
	users := account(bearer)
	users[plain.host] = authn.AuthConfig{Username: "bob", Password: plain.password}
	grant := mint(t, users, trust.Scope{{Repository: bearer.host + "/app", Push: true}, {Repository: plain.host + "/app"}})
	found, err := grant.Keychain(nil).Resolve(testkeychain.Repository(t, plain.host+"/app"))
	if err != nil {
		t.Fatal(err)
	}
	real := keychain.New(keychain.Options{Getenv: func(key string) string {
		if key != "CNB_REGISTRY_AUTH" {
			return ""
		}
		return `{"r.example.com":"Basic ` + testkeychain.Basic("bob", plain.password) + `"}`
	}})
	resolved, err := real.Resolve(testkeychain.Repository(t, "r.example.com/app"))
	if err != nil {
		t.Fatal(err)
	}
	type holder struct{ grant any }
	values := map[string]any{
		"grant": grant, "grant value": *grant, "in a struct": holder{*grant}, "in a map": map[string]any{"g": *grant},
		"keychain": grant.Keychain(nil), "authenticator": found, "real keychain": real, "real authenticator": resolved,
		"redactor": grant.Redactor(), "in an unexported field": struct{ g trust.Grant }{*grant},
	}
	secrets := []string{plain.password, testkeychain.Basic("bob", plain.password), "secret-token-1", "secret-refresh"}
	for what, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			forbid(t, what+" "+verb, fmt.Sprintf(verb, value), secrets)
		}
		var logged strings.Builder
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "value", slog.AnyValue(loggable(value)))
		slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "value", value)
		forbid(t, what+" in a log", logged.String(), secrets)
	}
	for what, value := range map[string]any{
		"scope": grant.Scope(), "refusals": grant.Refusals(), "keychain": grant.Keychain(nil),
		"authenticator": found, "real keychain": real, "real authenticator": resolved, "redactor": grant.Redactor(),
	} {
		if data, err := json.Marshal(value); err == nil {
			forbid(t, what+" as JSON", string(data), secrets)
		}
	}
	// The wire form has the token and the password of the registry that has no
	// tokens, and nothing else.
	data, err := json.Marshal(grant)
	if err != nil {
		t.Fatal(err)
	}
	forbid(t, "wire form", string(data), []string{"secret-refresh", bearer.host + `","password`})
	if strings.Count(string(data), plain.password) != 1 || strings.Count(string(data), "secret-token-1") != 1 {
		t.Errorf("wire form %s", data)
	}
	err = json.Unmarshal([]byte(`{"permits":[{"password":["hunter2-password"]}]}`), &trust.Grant{})
	if err == nil {
		t.Fatal("no error")
	}
	forbid(t, "error", err.Error(), secrets)
	if got := grant.Redactor().String("a secret-token-1 b " + plain.password); got != "a [redacted] b [redacted]" {
		t.Errorf("redactor: %q", got)
	}
}

// loggable prints what the JSON log handler would write as JSON, since that is
// how a grant travels; a bare one is logged by way of LogValue.
func loggable(value any) any {
	switch value.(type) {
	case trust.Grant, *trust.Grant:
		return value
	}
	return fmt.Sprint(value)
}

func forbid(t *testing.T, what, text string, secrets []string) {
	t.Helper()
	for _, secret := range secrets {
		for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret)} {
			if strings.Contains(text, form) {
				t.Errorf("%s shows a secret: %s", what, text)
			}
		}
	}
}
