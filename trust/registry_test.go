package trust_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/pack-cache/pack-cache/internal/test/testkeychain"
)

// fakeRegistry is a registry that asks for authorization, and its own token
// server. It remembers what it was asked.
type fakeRegistry struct {
	host string
	// scheme is Bearer or Basic, or empty for a registry that asks for nothing.
	scheme string
	// user and password are the account's.
	user, password string
	// refused are scopes for which the token server answers 403.
	refused []string
	// quietly are scopes that it leaves out of its tokens without a word.
	quietly []string
	// together says whether it refuses requests for several scopes.
	oneScopeOnly bool
	// life is the expires_in of its tokens in seconds; 0 leaves it out.
	life int
	// answer, if set, replaces the token server's answer.
	answer func(w http.ResponseWriter, r *http.Request)
	// tls makes it serve with a certificate that nobody knows.
	tls bool

	handler http.Handler

	mu       sync.Mutex
	tokens   map[string][]string
	count    int
	asked    [][]string
	headers  map[string]bool
	mounts   []string
	attempts int
}

// start serves the registry on loopback until the test ends.
func (f *fakeRegistry) start(t *testing.T) *fakeRegistry {
	t.Helper()
	if f.user == "" {
		f.user, f.password = "bob", "hunter2-password"
	}
	f.handler = registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	f.tokens, f.headers = map[string][]string{}, map[string]bool{}
	server := httptest.NewUnstartedServer(f)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if f.tls {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	_, f.host, _ = strings.Cut(server.URL, "://")
	return f
}

// expire makes every token useless.
func (f *fakeRegistry) expire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tokens = map[string][]string{}
}

// scopesAsked returns the scopes of every token request, in order.
func (f *fakeRegistry) scopesAsked() [][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked)
}

// sawBasic says whether a password reached the registry itself.
func (f *fakeRegistry) sawBasic() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.headers["Basic"]
}

func (f *fakeRegistry) mounted() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.mounts)
}

func (f *fakeRegistry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/token":
		f.serveToken(w, r)
	case f.allowed(r):
		if from := r.URL.Query().Get("from"); from != "" && f.mount(w, r, from) {
			return
		}
		if r.Method == http.MethodHead && strings.Contains(r.URL.Path, "/blobs/") {
			// The handler keeps the blobs of all repositories together.
			http.NotFound(w, r)
			return
		}
		f.handler.ServeHTTP(w, r)
	default:
		challenge := `Basic realm="fake"`
		if f.scheme == "Bearer" {
			scheme := "http"
			if f.tls {
				scheme = "https"
			}
			challenge = fmt.Sprintf(`Bearer realm="%s://%s/token",service="fake"`, scheme, r.Host)
		}
		w.Header().Set("WWW-Authenticate", challenge)
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`, http.StatusUnauthorized)
	}
}

// mount answers a request to mount a blob of another repository.
func (f *fakeRegistry) mount(w http.ResponseWriter, r *http.Request, from string) bool {
	digest := r.URL.Query().Get("mount")
	read := httptest.NewRecorder()
	f.handler.ServeHTTP(read, httptest.NewRequest(http.MethodGet, "/v2/"+from+"/blobs/"+digest, nil))
	if read.Code != http.StatusOK {
		return false
	}
	f.mu.Lock()
	f.mounts = append(f.mounts, from)
	f.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
	return true
}

// allowed decides about a request to /v2/.
func (f *fakeRegistry) allowed(r *http.Request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.attempts++
	kind, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	f.headers[kind] = true
	switch f.scheme {
	case "":
		return true
	case "Basic":
		return kind == "Basic" && value == testkeychain.Basic(f.user, f.password)
	}
	granted, ok := f.tokens[value]
	if kind != "Bearer" || !ok {
		return false
	}
	action := "pull"
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		action = "push"
	}
	if from := r.URL.Query().Get("from"); from != "" && !slices.Contains(granted, from+":pull") {
		return false
	}
	return r.URL.Path == "/v2/" || slices.Contains(granted, repositoryOfPath(r.URL.Path)+":"+action)
}

func repositoryOfPath(path string) string {
	path = strings.TrimPrefix(path, "/v2/")
	for _, part := range []string{"/manifests/", "/blobs/", "/tags/", "/referrers/"} {
		if i := strings.Index(path, part); i >= 0 {
			return path[:i]
		}
	}
	return path
}

// serveToken is the token server.
func (f *fakeRegistry) serveToken(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	scopes := r.Form["scope"]
	if r.Method == http.MethodPost {
		scopes = strings.Fields(r.Form.Get("scope"))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, scopes)
	if f.answer != nil {
		f.answer(w, r)
		return
	}
	user, password, _ := r.BasicAuth()
	identity := r.Form.Get("refresh_token") == "identity-"+f.password
	if !identity && (user != f.user || password != f.password) {
		// A careless server repeats what it was sent.
		http.Error(w, fmt.Sprintf(`{"errors":[{"code":"UNAUTHORIZED","message":"no %s:%s","detail":{"password":%q}}]}`, user, password, password), http.StatusUnauthorized)
		return
	}
	if f.oneScopeOnly && len(scopes) > 1 {
		http.Error(w, "one at a time", http.StatusForbidden)
		return
	}
	var granted []string
	for _, scope := range scopes {
		if slices.Contains(f.refused, scope) {
			http.Error(w, `{"errors":[{"code":"DENIED","message":"`+password+`"}]}`, http.StatusForbidden)
			return
		}
		if slices.Contains(f.quietly, scope) {
			continue
		}
		parts := strings.Split(scope, ":")
		for _, action := range strings.Split(parts[2], ",") {
			granted = append(granted, parts[1]+":"+action)
		}
	}
	f.count++
	token := fmt.Sprintf("secret-token-%d", f.count)
	f.tokens[token] = granted
	answer := map[string]any{"token": token, "refresh_token": "secret-refresh-token"}
	if f.count%2 == 0 {
		answer = map[string]any{"access_token": token}
	}
	if f.life != 0 {
		answer["expires_in"] = f.life
	}
	json.NewEncoder(w).Encode(answer)
}
