package trust

import (
	"crypto/tls"
	"net/http"

	"github.com/pack-cache/pack-cache/internal/grammar"
	"github.com/pack-cache/pack-cache/internal/quirks"
	"github.com/pack-cache/pack-cache/internal/web"
)

// shared carries all requests to secure registries, so that they share connections.
var shared = web.NewTransport()

// maxWhole is the size in bytes of the largest manifests and configs. Libraries read
// them in one go and give up where they break off.
const maxWhole = 4 << 20

// Transport returns a transport that mends the answers of odd registries, and that
// waits and repeats by rule. The certificates of the insecure registries are not
// verified; those of every other host are, be it the token server of an insecure
// registry. What is no layer has bounds. budget is for requests without one in their
// context; nil is one for each.
func Transport(insecure []string, rule web.Rule, budget *web.Budget) http.RoundTripper {
	return quirks.Wary(quirks.New(&web.Transport{Inner: verifying(insecure), Rule: rule, Budget: budget, Whole: maxWhole}))
}

func verifying(insecure []string) http.RoundTripper {
	if len(insecure) == 0 {
		return shared
	}
	unverified := shared.Clone()
	unverified.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // The user asked for it.
	byHost := hostTransport{others: shared, insecure: unverified, hosts: map[string]bool{}}
	for _, host := range insecure {
		byHost.hosts[grammar.Host(host)] = true
	}
	return byHost
}

// hostTransport has another transport for some hosts.
type hostTransport struct {
	others, insecure *http.Transport
	hosts            map[string]bool
}

// RoundTrip implements http.RoundTripper.
func (t hostTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.hosts[grammar.Host(r.URL.Host)] {
		return t.insecure.RoundTrip(r)
	}
	return t.others.RoundTrip(r)
}

// CloseIdleConnections closes connections that are not in use.
func (t hostTransport) CloseIdleConnections() {
	t.others.CloseIdleConnections()
	t.insecure.CloseIdleConnections()
}
