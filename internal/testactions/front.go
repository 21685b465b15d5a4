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
	URL     string
	storage Storage

	mu      sync.Mutex
	runs    map[string]Run
	entries []*Entry
	faults  []*Fault
	asked   map[string]int
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

// Fault makes the service answer otherwise.
type Fault struct {
	// Path is a part of the paths that it is for, Times how often it happens.
	Path  string
	Times int
	// Status and Body are the answer, RetryAfter its header.
	Status     int
	Body       string
	RetryAfter string
	// After lets the request be done, and then loses the answer.
	After bool
}

// New starts a service whose storage is in memory if there is no other.
func New(t testing.TB, storage Storage) *Front {
	t.Helper()
	f := &Front{runs: map[string]Run{}, asked: map[string]int{}}
	mux := http.NewServeMux()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f.fault(w, r, mux) {
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	f.URL = server.URL + "/"
	if storage == nil {
		memory := newMemory(server.URL + "/blobs/")
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

// Break adds faults, the first one that fits counts.
func (f *Front) Break(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range faults {
		f.faults = append(f.faults, &fault)
	}
}

// fault answers a request with a fault if there is one for it.
func (f *Front) fault(w http.ResponseWriter, r *http.Request, mux http.Handler) bool {
	f.mu.Lock()
	f.asked[r.Method+" "+r.URL.Path]++
	var hit *Fault
	for _, fault := range f.faults {
		if fault.Times > 0 && strings.Contains(r.URL.Path, fault.Path) {
			fault.Times--
			hit = fault
			break
		}
	}
	f.mu.Unlock()
	if hit == nil {
		return false
	}
	if hit.After {
		mux.ServeHTTP(httptest.NewRecorder(), r)
	}
	if hit.RetryAfter != "" {
		w.Header().Set("Retry-After", hit.RetryAfter)
	}
	if hit.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(hit.Status)
	w.Write([]byte(hit.Body))
	return true
}

// Asked says how often the paths were asked for that contain part.
func (f *Front) Asked(part string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for path, times := range f.asked {
		if strings.Contains(path, part) {
			n += times
		}
	}
	return n
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
