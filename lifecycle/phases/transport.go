package phases

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/trust"
)

// useTransport makes the lifecycle's libraries speak with registries as the main
// process does. They take what net/http has as its default, and cannot be given
// another transport; a phase is a process with nothing else in it. The libraries
// are not told of insecure registries, for which they would take one that knows
// no proxy. All of their requests together wait by rule, and use the greetings of
// ctx; say gets lines for the user.
func useTransport(ctx context.Context, insecure []string, rule web.Rule, say func(string)) {
	rule = rule.Or(web.Patient())
	http.DefaultTransport = &plainTransport{
		inner: trust.Transport(insecure, rule, web.NewBudget(rule, "", say)), insecure: insecure, greetings: web.GreetingsOf(ctx),
	}
}

// plainTransport asks insecure registries by HTTP if they do not speak TLS.
type plainTransport struct {
	inner     http.RoundTripper
	insecure  []string
	greetings *web.Greetings
	// plain has the hosts that do not speak TLS.
	plain sync.Map
}

// RoundTrip implements http.RoundTripper.
func (t *plainTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.WithContext(web.WithGreetings(req.Context(), t.greetings))
	host := req.URL.Host
	if req.URL.Scheme != "https" || !t.isInsecure(host) {
		return t.inner.RoundTrip(req)
	}
	if _, plain := t.plain.Load(host); plain {
		return t.inner.RoundTrip(withScheme(req, "http"))
	}
	resp, err := t.inner.RoundTrip(req)
	// The first contact has no body, and finds out (distribution
	// specification, "Determining Support").
	if err == nil || req.Context().Err() != nil || strings.Trim(req.URL.Path, "/") != "v2" {
		return resp, err
	}
	resp, plainErr := t.inner.RoundTrip(withScheme(req, "http"))
	if plainErr != nil {
		return nil, err
	}
	t.plain.Store(host, true)
	return resp, nil
}

func withScheme(req *http.Request, scheme string) *http.Request {
	req = req.Clone(req.Context())
	req.URL.Scheme = scheme
	return req
}

func (t *plainTransport) isInsecure(host string) bool {
	return slices.ContainsFunc(t.insecure, func(one string) bool { return strings.EqualFold(one, host) })
}
