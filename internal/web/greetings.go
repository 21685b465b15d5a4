package web

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
)

// Greetings remember how registries answer the first request of every client, which
// tells how they are spoken with and what they want for a login (OCI distribution
// specification, "Determining Support"). Clients ask it again and again; a Transport
// whose requests have Greetings in their context asks each registry once. The zero
// value knows none. In JSON they can be handed on to another process. They hold no
// secrets, and are safe for concurrent use.
type Greetings struct {
	mu    sync.Mutex
	known map[string]greeting // by host
	// plain are hosts that were found not to speak TLS.
	plain map[string]bool
}

// greeting is the answer of one host.
type greeting struct {
	// Scheme is https or http. A host that is known for http does not speak TLS.
	Scheme    string   `json:"scheme"`
	Status    int      `json:"status"`
	Challenge []string `json:"challenge,omitempty"`
}

const challengeHeader = "Www-Authenticate"

type greetingsKey struct{}

// WithGreetings returns a context whose requests use and add to g.
func WithGreetings(ctx context.Context, g *Greetings) context.Context {
	return context.WithValue(ctx, greetingsKey{}, g)
}

// GreetingsOf returns the greetings in a context, nil if there are none.
func GreetingsOf(ctx context.Context) *Greetings {
	g, _ := ctx.Value(greetingsKey{}).(*Greetings)
	return g
}

// greets reports whether a request is a greeting.
func greets(req *http.Request) bool {
	return req.Method == http.MethodGet && req.URL.Path == "/v2/" && req.URL.RawQuery == "" && req.Header.Get("Authorization") == ""
}

// answer returns what is known to be the answer to a greeting, nil and no error if
// that has to be found out.
func (g *Greetings) answer(req *http.Request) (*http.Response, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	known, ok := g.known[req.URL.Host]
	switch {
	case !ok:
		return nil, nil
	case known.Scheme == "http" && req.URL.Scheme == "https":
		return nil, http.ErrSchemeMismatch
	case known.Scheme != req.URL.Scheme:
		return nil, nil
	}
	header := http.Header{}
	for _, challenge := range known.Challenge {
		header.Add(challengeHeader, challenge)
	}
	return &http.Response{
		Status: http.StatusText(known.Status), StatusCode: known.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: http.NoBody, Request: req,
	}, nil
}

// note remembers the answer to a greeting. What is not sure to be the same the next
// time is left out: failures, and plain HTTP where TLS may be spoken.
func (g *Greetings) note(req *http.Request, resp *http.Response, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	host := req.URL.Host
	switch {
	case err != nil:
		if spoken, ok := errors.AsType[tls.RecordHeaderError](err); ok && string(spoken.RecordHeader[:]) == "HTTP/" {
			g.plain = with(g.plain, host, true)
		}
	case resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusUnauthorized, req.URL.Scheme == "http" && !g.plain[host]:
	default:
		g.known = with(g.known, host, greeting{req.URL.Scheme, resp.StatusCode, resp.Header.Values(challengeHeader)})
	}
}

func with[V any](m map[string]V, key string, value V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[key] = value
	return m
}

// MarshalJSON implements json.Marshaler.
func (g *Greetings) MarshalJSON() ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return json.Marshal(g.known)
}

// UnmarshalJSON implements json.Unmarshaler.
func (g *Greetings) UnmarshalJSON(data []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return json.Unmarshal(data, &g.known)
}

// greet asks a host once.
func (g *Greetings) greet(req *http.Request, ask func() (*http.Response, error)) (*http.Response, error) {
	if resp, err := g.answer(req); resp != nil || err != nil {
		return resp, err
	}
	resp, err := ask()
	g.note(req, resp, err)
	return resp, err
}
