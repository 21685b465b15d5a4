package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	inprocess "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testweb"
	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
)

func TestDenied(t *testing.T) {
	t.Parallel()
	basic := testregistry.New(t, testregistry.Options{Auth: testregistry.Basic, Users: users})
	token := testregistry.New(t, testregistry.Options{Auth: testregistry.Token, Users: users})
	wrong := fixed{&authn.Basic{Username: "writer", Password: "wrong-password"}}
	for _, test := range []struct {
		name     string
		registry *testregistry.Registry
		keychain authn.Keychain
		hint     string
	}{
		{"basic, anonymous", basic, nil, "there is no credential for"},
		{"basic, wrong password", basic, wrong, "check that the account that is logged in to"},
		{"token, anonymous", token, nil, "there is no credential for"},
		{"token, wrong password", token, wrong, "check that the account that is logged in to"},
		{"token, not allowed", token, token.Keychain("reader"), "scope repository:team/cache:push,pull"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, test.registry, test.registry.Addr+"/team/cache", test.keychain)
			_, err := s.Push(t.Context(), v1.Descriptor{}, opens(strings.NewReader("x")))
			if !errors.Is(err, layers.ErrDenied) || !strings.Contains(err.Error(), test.registry.Addr+"/team/cache") {
				t.Errorf("error %v", err)
			}
			if !strings.Contains(hint.Of(err), test.hint) || !strings.Contains(hint.Of(err), test.registry.Addr) {
				t.Errorf("hint %q, want %q", hint.Of(err), test.hint)
			}
			for _, secret := range secrets {
				if strings.Contains(err.Error()+hint.Of(err), secret) {
					t.Errorf("%v shows a secret", err)
				}
			}
		})
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	r, _, s := faulty(t, testregistry.Options{Auth: testregistry.Token, Users: users})
	_, _, err := s.Resolve(t.Context(), "latest")
	if !errors.Is(err, layers.ErrNotFound) {
		t.Fatal(err)
	}
	for _, q := range r.TokenRequests() {
		if !slices.Equal(q.Scopes, []string{"repository:team/cache:pull"}) {
			t.Errorf("reading asked for %v", q.Scopes)
		}
	}
	desc, _ := commit(t, s, v1.Hash{})
	commit(t, s, desc.Digest)
	all := r.TokenRequests()
	if len(all) != 2 || !slices.Equal(all[1].Scopes, []string{"repository:team/cache:push,pull"}) {
		t.Errorf("token requests: %v", all)
	}
}

// TestTokenEnds uploads for longer than a token lives. The stream itself cannot
// be repeated: only requests that can may meet an old token.
func TestTokenEnds(t *testing.T) {
	t.Parallel()
	for _, hide := range []bool{false, true} {
		t.Run(fmt.Sprintf("hidden %v", hide), func(t *testing.T) {
			t.Parallel()
			_, f, s := faulty(t, testregistry.Options{Auth: testregistry.Token, Users: users,
				Tokens: testregistry.TokenOptions{TTL: 2 * time.Second, HideTTL: hide}})
			for range 2 {
				b, blob := random(6)
				slow := reads(func(p []byte) (int, error) {
					if len(b) == 0 {
						return 0, io.EOF
					}
					time.Sleep(500 * time.Millisecond)
					n := copy(p[:1], b)
					b = b[n:]
					return n, nil
				})
				want := bytes.Clone(b)
				if _, err := s.Push(t.Context(), v1.Descriptor{}, opens(slow)); err != nil {
					t.Fatal(err)
				}
				if got, err := read(t.Context(), s, blob, 0, -1); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d bytes, error %v", len(got), err)
				}
			}
			for _, q := range f.Requests("", "/team/") {
				if q.Status == http.StatusUnauthorized && (q.Method == http.MethodPatch || !hide) {
					t.Errorf("%s with an old token", q.Method)
				}
			}
		})
	}
}

// TestRegistryToken uses a token that somebody else has fetched.
func TestRegistryToken(t *testing.T) {
	t.Parallel()
	r := testregistry.New(t, testregistry.Options{Auth: testregistry.Token, Users: users})
	token := fetchToken(t, r, "repository:team/cache:pull,push")
	s := open(t, r, r.Addr+"/team/cache", fixed{authn.FromConfig(authn.AuthConfig{RegistryToken: token})})
	commit(t, s, v1.Hash{})
	elsewhere := open(t, r, r.Addr+"/team/app", fixed{authn.FromConfig(authn.AuthConfig{RegistryToken: token})})
	_, err := elsewhere.Push(t.Context(), v1.Descriptor{}, opens(strings.NewReader("x")))
	if !errors.Is(err, layers.ErrDenied) || strings.Contains(err.Error(), token) {
		t.Errorf("error %v", err)
	}
}

// fetchToken asks the token server of r as it says itself.
func fetchToken(t *testing.T, r *testregistry.Registry, scope string) string {
	t.Helper()
	resp, err := testweb.Client(t).Get("http://" + r.Addr + "/v2/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	asked, ok := pick(challenges(resp.Header), true)
	if !ok {
		t.Fatalf("no challenge in %v", resp.Header)
	}
	query := url.Values{"service": {asked.Parameters["service"]}, "scope": {scope}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, asked.Parameters["realm"]+"?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("writer", "writers-password")
	if resp, err = testweb.Client(t).Do(req); err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Token string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Token == "" {
		t.Fatalf("no token: %v", err)
	}
	return answer.Token
}

// TestRedirect checks that blob storage elsewhere never sees the credential,
// also at another port of the same host.
func TestRedirect(t *testing.T) {
	t.Parallel()
	for _, auth := range []testregistry.Auth{testregistry.Basic, testregistry.Token} {
		t.Run(string(auth), func(t *testing.T) {
			t.Parallel()
			_, f, s := faulty(t, testregistry.Options{Auth: auth, Users: users})
			b, blob := push(t, s, 5000)
			var seen []http.Header
			storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen = append(seen, r.Header)
				if r.URL.Query().Get("signature") != "hush" {
					t.Error("the address was changed")
				}
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
			}))
			defer storage.Close()
			to := storage.URL + "/?signature=hush"
			f.Set(testregistry.Rule{Path: blobs, Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {to}}})
			if got, err := read(t.Context(), s, blob, 1000, 10); err != nil || !bytes.Equal(got, b[1000:1010]) {
				t.Errorf("%d bytes, error %v", len(got), err)
			}
			if len(seen) != 1 || seen[0].Get("Authorization") != "" || seen[0].Get("Range") == "" {
				t.Errorf("storage saw %v", seen)
			}
			// A signed address is a credential as well.
			storage.Close()
			if _, err := read(t.Context(), s, blob, 1000, 10); err == nil || strings.Contains(err.Error(), "hush") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestEcho meets a registry and a token server that repeat what they were sent.
func TestEcho(t *testing.T) {
	t.Parallel()
	echo := func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"errors":[{"code":"X","message":"%s %s\u001b[31m"}]}`, r.Header.Get("Authorization"), password)
	}
	for _, challenge := range []string{`Basic realm="x"`, `Bearer realm="http://localhost:%s/token",service="x"`} {
		var port string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/v2/":
				w.Header().Set("WWW-Authenticate", strings.ReplaceAll(challenge, "%s", port))
				w.WriteHeader(http.StatusUnauthorized)
			case "/token":
				_, password, _ := r.BasicAuth()
				fmt.Fprintf(w, `{"not the token":%q}`, password)
			default:
				echo(w, r)
			}
		}))
		defer server.Close()
		_, port, _ = net.SplitHostPort(server.Listener.Addr().String())
		s := New(Config{Ref: ref(t, server.Listener.Addr().String()+"/a/b"), Keychain: fixed{&authn.Basic{Username: "u", Password: "hush-hush"}}, Rule: web.Rule{First: time.Millisecond}})
		_, _, err := s.Resolve(t.Context(), "latest")
		if err == nil || strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "dTpodX") || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: error %q", challenge, err)
		}
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	private := testregistry.New(t, testregistry.Options{TLS: true})
	plain := testregistry.New(t, testregistry.Options{})
	for _, test := range []struct {
		name, host string
		to         string
		hint       string
	}{
		{"refused", closed.Listener.Addr().String(), "", "can be reached from here"},
		{"no such host", "registry.invalid", "", "check that registry registry.invalid can be reached"},
		{"unknown authority", private.Addr, "", "SSL_CERT_FILE"},
		{"another's certificate", "registry.example:5000", private.Addr, "certificate"},
		{"no TLS", "registry.example:5000", plain.Addr, "insecure"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := New(Config{Ref: ref(t, test.host+"/team/cache"), Transport: dialTo(test.to)})
			_, _, err := s.Resolve(t.Context(), "latest")
			if err == nil || !strings.Contains(err.Error(), test.host) || errors.Is(err, layers.ErrNotFound) {
				t.Errorf("error %v", err)
			}
			if !strings.Contains(hint.Of(err), test.hint) {
				t.Errorf("hint %q, want %q", hint.Of(err), test.hint)
			}
		})
	}
}

// TestNoRegistry meets a server that is not a registry. That is not a missing snapshot.
func TestNoRegistry(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusNotFound, http.StatusTeapot} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		defer server.Close()
		s := New(Config{Ref: ref(t, server.Listener.Addr().String()+"/a/b")})
		_, _, err := s.Resolve(t.Context(), "latest")
		if err == nil || errors.Is(err, layers.ErrNotFound) || !strings.Contains(err.Error(), "does not answer as a registry") || hint.Of(err) == "" {
			t.Errorf("status %d: error %v", status, err)
		}
	}
}

func TestInsecure(t *testing.T) {
	t.Parallel()
	for _, tls := range []bool{false, true} {
		r := testregistry.New(t, testregistry.Options{TLS: tls})
		// By a name that is not loopback's.
		s := New(Config{Ref: ref(t, "registry.example:5000/team/cache"), Insecure: true, Transport: dialTo(r.Addr)})
		desc, _ := commit(t, s, v1.Hash{})
		if got, _, err := s.Resolve(t.Context(), "latest"); err != nil || got.Digest != desc.Digest {
			t.Errorf("TLS %v: %v, error %v", tls, got, err)
		}
	}
}

// dialTo is a transport that connects to addr whatever the host; empty changes
// nothing.
func dialTo(addr string) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if addr != "" {
		t.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		}
	}
	return t
}

// TestLateChallenge meets a registry that lets everyone in at first and asks
// for a credential only to write.
func TestLateChallenge(t *testing.T) {
	t.Parallel()
	inner := inprocess.New(inprocess.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); r.Method != http.MethodGet && r.Method != http.MethodHead && password != "hush" {
			w.Header().Add("WWW-Authenticate", `Negotiate`)
			w.Header().Add("WWW-Authenticate", `Basic realm="write"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	defer server.Close()
	s := New(Config{Ref: ref(t, server.Listener.Addr().String()+"/a/b"), Keychain: fixed{&authn.Basic{Username: "u", Password: "hush"}}})
	commit(t, s, v1.Hash{})
}

func TestKeychainFails(t *testing.T) {
	t.Parallel()
	s := New(Config{Ref: ref(t, "registry.invalid/team/cache"), Keychain: broken{}})
	_, _, err := s.Resolve(t.Context(), "latest")
	if !errors.Is(err, errHelper) || hint.Of(err) == "" {
		t.Errorf("error %v, hint %q", err, hint.Of(err))
	}
}

var errHelper = errors.New("docker-credential-nowhere: executable file not found")

// broken is a keychain whose helper is missing.
type broken struct{}

// Resolve implements authn.Keychain.
func (broken) Resolve(authn.Resource) (authn.Authenticator, error) { return nil, errHelper }

// TestFirstContactRefused has a host refuse the first request, as registries do that
// let nobody in without a login.
func TestFirstContactRefused(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer server.Close()
	s := New(Config{Ref: ref(t, server.Listener.Addr().String()+"/a/b")})
	if _, _, err := s.Resolve(t.Context(), "latest"); !errors.Is(err, layers.ErrDenied) {
		t.Errorf("error %v", err)
	}
}
