// Package testfaults is a proxy that stands in front of a real server, counts
// its requests and makes faults. It serves any store that is reached by HTTP: a
// registry, S3, Azure Blob Storage, the cache service of GitHub Actions.
//
// It does not know what the requests mean: a Rule selects them by method, path
// and number.
package testfaults

import (
	"crypto/tls"
	"errors"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// Proxy is a running proxy. Its methods are safe for concurrent use.
type Proxy struct {
	// Addr is 127.0.0.1:PORT, URL the same with http or https before it.
	Addr, URL string

	server   *httptest.Server
	closed   chan struct{}
	mu       sync.Mutex
	rules    []*Rule
	requests []*traffic
}

// Start starts a proxy before the server at target, of which scheme and host
// count. transport reaches it; nil is that of a plain server. With a certificate
// the proxy itself speaks TLS. The caller closes it.
func Start(target *url.URL, transport http.RoundTripper, certificate *tls.Certificate) *Proxy {
	p := &Proxy{closed: make(chan struct{})}
	if transport == nil {
		plain := http.DefaultTransport.(*http.Transport).Clone()
		plain.DisableCompression = true // answers pass as they are
		transport = plain
	}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			// The server's redirects are to come back to us, and signatures of
			// requests are made for our name.
			r.Out.Host = r.In.Host
			if edit := trafficOf(r.In).rule.Edit; edit != nil {
				edit(r.Out)
			}
		},
		Transport:      transport,
		FlushInterval:  -1,
		ErrorLog:       stdlog.New(io.Discard, "", 0),
		ModifyResponse: modifyResponse,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.server = httptest.NewUnstartedServer(p.handler(forward))
	p.server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	if certificate == nil {
		p.server.Start()
	} else {
		p.server.TLS = &tls.Config{Certificates: []tls.Certificate{*certificate}}
		p.server.StartTLS()
	}
	p.Addr, p.URL = p.server.Listener.Addr().String(), p.server.URL
	return p
}

// New starts a proxy before a plain server and closes it when the test ends.
func New(t testing.TB, target string, rules ...Rule) *Proxy {
	t.Helper()
	if !strings.Contains(target, "://") {
		target = "http://" + target
	}
	parsed, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	p := Start(&url.URL{Scheme: parsed.Scheme, Host: parsed.Host}, nil, nil)
	t.Cleanup(p.Close)
	p.Set(rules...)
	return p
}

// Close ends the proxy and cuts its connections. It is called once.
func (p *Proxy) Close() {
	close(p.closed)
	p.server.CloseClientConnections()
	p.server.Close()
}

// Set replaces the rules. The first one that a request matches applies.
func (p *Proxy) Set(rules ...Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = nil
	for _, r := range rules {
		p.rules = append(p.rules, &r)
	}
}

// Reset forgets the requests that came so far.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = nil
}

// Requests returns the requests since the last Reset, in the order in which
// they came, that have the method (empty: any) and whose path and query match
// the regular expression.
func (p *Proxy) Requests(method, path string) []Request {
	match := Rule{Method: method, Path: regexp.MustCompile(path)}
	return p.seen(func(t *traffic) bool { return match.selects(t.request.Method, t.request.Path, t.request.Query) })
}

// Hit returns the requests since the last Reset that met a fault.
func (p *Proxy) Hit() []Request {
	return p.seen(func(t *traffic) bool { return t.hit })
}

func (p *Proxy) seen(which func(*traffic) bool) []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Request
	for _, t := range p.requests {
		if which(t) {
			r := t.request
			r.Status, r.Sent, r.Received = int(t.status.Load()), t.sent.Load(), t.received.Load()
			all = append(all, r)
		}
	}
	return all
}

// admit notes a request and finds its rule.
func (p *Proxy) admit(r *http.Request) *traffic {
	t := &traffic{request: Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Authorization: r.Header.Get("Authorization"),
	}}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, t)
	for _, rule := range p.rules {
		if rule.selects(r.Method, r.URL.Path, r.URL.RawQuery) && rule.applies() {
			t.rule, t.hit = *rule, true
			break
		}
	}
	return t
}

func (p *Proxy) handler(forward http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := p.admit(r)
		rule := t.rule
		if rule.Delay > 0 {
			p.pause(r, rule.Delay)
		}
		switch {
		case rule.Reset:
			reset(w)
		case rule.Drop:
			panic(http.ErrAbortHandler)
		case rule.Status != 0 && !rule.Lose:
			for key, values := range rule.Header {
				w.Header()[key] = values
			}
			t.status.Store(int64(rule.Status))
			w.WriteHeader(rule.Status)
			io.Copy(w, strings.NewReader(rule.Body))
			return
		}
		r.Body = p.body(r, r.Body, &t.sent, rule.Request, rule.CutRequest)
		t.answer = func(body io.ReadCloser) io.ReadCloser {
			return p.body(r, body, &t.received, rule.Response, rule.CutResponse)
		}
		forward.ServeHTTP(w, r.WithContext(withTraffic(r.Context(), t)))
	})
}

// pause waits, or ends the request when nobody is there any more. For a request
// with a body the server does not notice that by itself.
func (p *Proxy) pause(r *http.Request, long time.Duration) {
	select {
	case <-time.After(long):
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	case <-p.closed:
		panic(http.ErrAbortHandler)
	}
}

// reset ends a connection with a TCP reset.
func reset(w http.ResponseWriter) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if secure, ok := connection.(*tls.Conn); ok {
		connection = secure.NetConn()
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // Close then sends a reset
	}
	connection.Close()
	panic(http.ErrAbortHandler)
}

var errLost = errors.New("the answer is lost")

func modifyResponse(resp *http.Response) error {
	t := trafficOf(resp.Request)
	rule := t.rule
	if rule.Lose {
		// The request has been carried out in full.
		io.Copy(io.Discard, resp.Body)
		if rule.Status == 0 {
			return errLost
		}
		resp.Body.Close()
		resp.StatusCode, resp.Status = rule.Status, ""
		resp.Header = rule.Header.Clone()
		if resp.Header == nil {
			resp.Header = http.Header{}
		}
		resp.ContentLength, resp.Body = int64(len(rule.Body)), io.NopCloser(strings.NewReader(rule.Body))
	}
	if rule.EditResponse != nil {
		rule.EditResponse(resp)
	}
	if rule.Response.Shorter > 0 && resp.ContentLength > rule.Response.Shorter {
		resp.ContentLength -= rule.Response.Shorter
		resp.Header.Del("Content-Length")
		resp.Body = shorter(resp.Body, resp.ContentLength)
	}
	t.status.Store(int64(resp.StatusCode))
	resp.Body = t.answer(resp.Body)
	return nil
}
