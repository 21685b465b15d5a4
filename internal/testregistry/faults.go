package testregistry

import (
	"crypto/tls"
	"io"
	stdlog "log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
)

// Faults is a proxy in front of a registry that makes faults and counts. Its
// methods are safe for concurrent use.
type Faults struct {
	// Addr is 127.0.0.1:PORT, as it begins an image reference.
	Addr string

	registry *Registry
	server   *httptest.Server
	closed   chan struct{}
	mu       sync.Mutex
	rules    []*Rule
	requests []*traffic
}

// StartFaults starts a proxy before r, with TLS if r has it. The caller closes
// it.
func StartFaults(r *Registry) (*Faults, error) {
	f := &Faults{registry: r, closed: make(chan struct{})}
	target := &url.URL{Scheme: "http", Host: r.Addr}
	if r.ca != nil {
		target.Scheme = "https"
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			// The registry's redirects are to come back to us.
			p.Out.Host = p.In.Host
			if edit := trafficOf(p.In).rule.Edit; edit != nil {
				edit(p.Out)
			}
		},
		Transport:      r.Transport(),
		FlushInterval:  -1,
		ErrorLog:       stdlog.New(io.Discard, "", 0),
		ModifyResponse: modifyResponse,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	f.server = httptest.NewUnstartedServer(f.handler(proxy))
	f.server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	if r.ca == nil {
		f.server.Start()
	} else {
		pair, err := r.ca.server()
		if err != nil {
			return nil, err
		}
		f.server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
		f.server.StartTLS()
	}
	f.Addr = f.server.Listener.Addr().String()
	return f, nil
}

// NewFaults starts a proxy for a test and closes it when the test ends.
func NewFaults(t testing.TB, r *Registry, rules ...Rule) *Faults {
	t.Helper()
	f, err := StartFaults(r)
	if err != nil {
		t.Fatalf("cannot start a proxy: %v", err)
	}
	t.Cleanup(f.Close)
	f.Set(rules...)
	return f
}

// Close ends the proxy and cuts its connections. It is called once.
func (f *Faults) Close() {
	close(f.closed)
	f.server.CloseClientConnections()
	f.server.Close()
}

// Keychain returns the credential of one of the registry's users for the proxy.
func (f *Faults) Keychain(user string) authn.Keychain {
	return keychain{addr: func(host string) bool { return host == f.Addr }, users: f.registry.users, user: user}
}

// Set replaces the rules. The first one that a request matches applies.
func (f *Faults) Set(rules ...Rule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
	for _, r := range rules {
		f.rules = append(f.rules, &r)
	}
}

// Reset forgets the requests that came so far.
func (f *Faults) Reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = nil
}

// Requests returns the requests since the last Reset, in the order in which
// they came, that have the method (empty: any) and whose path and query match
// the regular expression.
func (f *Faults) Requests(method, path string) []Request {
	match := Rule{Method: method, Path: regexp.MustCompile(path)}
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []Request
	for _, t := range f.requests {
		r := t.request
		if match.selects(r.Method, r.Path, r.Query) {
			r.Status, r.Sent, r.Received = int(t.status.Load()), t.sent.Load(), t.received.Load()
			all = append(all, r)
		}
	}
	return all
}

// Uploaded is how many bytes of blobs came since the last Reset.
func (f *Faults) Uploaded() int64 {
	var n int64
	for _, r := range f.Requests("", "/blobs/uploads/") {
		n += r.Sent
	}
	return n
}

// Downloaded is how many bytes of blobs went out since the last Reset.
func (f *Faults) Downloaded() int64 {
	var n int64
	for _, r := range f.Requests(http.MethodGet, "/blobs/sha256:") {
		n += r.Received
	}
	return n
}

// admit notes a request and finds its rule.
func (f *Faults) admit(r *http.Request) *traffic {
	t := &traffic{request: Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Authorization: r.Header.Get("Authorization"),
	}}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, t)
	for _, rule := range f.rules {
		if !rule.selects(r.Method, r.URL.Path, r.URL.RawQuery) || rule.Times < 0 {
			continue
		}
		if rule.Skip > 0 {
			rule.Skip--
			continue
		}
		t.rule = *rule
		if rule.Times > 0 {
			if rule.Times--; rule.Times == 0 {
				rule.Times = -1 // used up
			}
		}
		break
	}
	return t
}

func (f *Faults) handler(proxy http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := f.admit(r)
		rule := t.rule
		if rule.Delay > 0 {
			select {
			case <-time.After(rule.Delay):
			// Whoever asked is no longer there. For a request with a body the
			// server does not notice that by itself.
			case <-r.Context().Done():
				panic(http.ErrAbortHandler)
			case <-f.closed:
				panic(http.ErrAbortHandler)
			}
		}
		switch {
		case rule.Drop:
			panic(http.ErrAbortHandler)
		case rule.Status != 0:
			for key, values := range rule.Header {
				w.Header()[key] = values
			}
			t.status.Store(int64(rule.Status))
			w.WriteHeader(rule.Status)
			io.Copy(w, strings.NewReader(rule.Body))
			return
		}
		r.Body = meter{r.Body, &t.sent, rule.CutRequest}
		proxy.ServeHTTP(w, r.WithContext(withTraffic(r.Context(), t)))
	})
}

func modifyResponse(resp *http.Response) error {
	t := trafficOf(resp.Request)
	if t.rule.Lose {
		return errCut
	}
	if t.rule.EditResponse != nil {
		t.rule.EditResponse(resp)
	}
	t.status.Store(int64(resp.StatusCode))
	resp.Body = meter{resp.Body, &t.received, t.rule.CutResponse}
	return nil
}
