package testactions

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pack-cache/pack-cache/internal/test/testfaults"
)

// Storage keeps the content of entries.
type Storage interface {
	// Sign returns a URL by which a blob can be read, or written, and for nothing
	// else.
	Sign(name string, write bool) string
	// Size is that of a blob, -1 if it is not there.
	Size(name string) int64
	// Delete removes a blob.
	Delete(name string)
}

// Front is a running cache service. It is safe for concurrent use.
type Front struct {
	// URL is that of the service, with a slash at its end: ACTIONS_RESULTS_URL,
	// ACTIONS_CACHE_URL and GITHUB_API_URL.
	URL string
	// Faults is what stands before the service.
	Faults  *testfaults.Proxy
	storage Storage

	mu      sync.Mutex
	runs    map[string]Run
	entries []*Entry
}

// Run is what the token of a job stands for.
type Run struct {
	// Repository is OWNER/NAME.
	Repository string
	// Refs are those whose entries it sees, its own first. It writes to its own.
	Refs []string
	// ReadOnly and Nothing take rights away. The token of a run that is Downgraded
	// does not tell, but the service says no to writing.
	ReadOnly, Nothing, Downgraded bool
}

// Entry is an entry of a cache.
type Entry struct {
	ID                            int64
	Repository, Ref, Key, Version string
	Created                       time.Time
	Size                          int64
	Complete                      bool
	// number orders entries.
	number int
	parts  map[int64][]byte // of version 1
}

func (e *Entry) blob() string { return "entry-" + itoa(e.ID) }

// New starts a service whose storage is in memory if there is no other.
func New(t testing.TB, storage Storage) *Front {
	t.Helper()
	f := &Front{runs: map[string]Run{}}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	f.Faults = testfaults.New(t, server.URL)
	f.URL = f.Faults.URL + "/"
	if storage == nil {
		memory := newMemory(f.URL + "blobs/")
		mux.Handle("/blobs/", memory)
		storage = memory
	}
	f.storage = storage
	f.addV1(mux)
	f.addV2(mux)
	f.addREST(mux)
	return f
}

// Token is a new token of a run. It is a secret.
func (f *Front) Token(run Run) string {
	type scope struct {
		Scope      string
		Permission int
	}
	var scopes []scope
	for i, ref := range run.Refs {
		permission := 1
		if i == 0 && !run.ReadOnly {
			permission = 3
		}
		scopes = append(scopes, scope{ref, permission})
	}
	if run.Nothing {
		scopes = []scope{}
	}
	ac, _ := json.Marshal(scopes)
	now := time.Now()
	claims, _ := json.Marshal(map[string]any{"ac": string(ac), "nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(6 * time.Hour).Unix(), "jti": rand.Text()})
	encode := base64.RawURLEncoding.EncodeToString
	token := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims) + "." + encode([]byte(rand.Text()))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.runs[token] = run
	return token
}

// run is the run whose token a request has. Without one, the request has been
// answered.
func (f *Front) run(w http.ResponseWriter, r *http.Request) (Run, bool) {
	f.mu.Lock()
	run, ok := f.runs[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	f.mu.Unlock()
	if !ok {
		reply(w, http.StatusUnauthorized, map[string]string{"code": "unauthenticated", "msg": "no such token", "message": "no such token"})
	}
	return run, ok
}

// Entries are the complete entries of a repository, in their order.
func (f *Front) Entries(repository string) []Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []Entry
	for _, e := range f.entries {
		if e.Repository == repository && e.Complete {
			all = append(all, *e)
		}
	}
	return all
}

// Evict removes the entries that evict says yes to, as the service does with what
// was not read for long.
func (f *Front) Evict(evict func(Entry) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var left []*Entry
	for _, e := range f.entries {
		if evict(*e) {
			f.storage.Delete(e.blob())
		} else {
			left = append(left, e)
		}
	}
	f.entries = left
}

// Storage is where the content is.
func (f *Front) Storage() Storage { return f.storage }

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
