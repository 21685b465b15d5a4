package web

import (
	"crypto/tls"
	"net/http"

	"github.com/pack-cache/pack-cache/internal/grammar"
)

// Insecure returns a transport like base that does not verify the certificates of
// hosts, each with its port. Those of every other host are verified, be it the token
// server of one of them or the storage that it redirects to. Without hosts it is base.
func Insecure(base *http.Transport, hosts []string) http.RoundTripper {
	if len(hosts) == 0 {
		return base
	}
	t := byHost{others: base, insecure: base.Clone(), hosts: map[string]bool{}}
	if t.insecure.TLSClientConfig == nil {
		t.insecure.TLSClientConfig = &tls.Config{}
	}
	t.insecure.TLSClientConfig.InsecureSkipVerify = true //nolint:gosec // The user asked for it.
	for _, host := range hosts {
		t.hosts[grammar.Host(host)] = true
	}
	return t
}

// byHost has another transport for some hosts.
type byHost struct {
	others, insecure *http.Transport
	hosts            map[string]bool
}

// RoundTrip implements http.RoundTripper.
func (t byHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.hosts[grammar.Host(r.URL.Host)] {
		return t.insecure.RoundTrip(r)
	}
	return t.others.RoundTrip(r)
}

// CloseIdleConnections closes connections that are not in use.
func (t byHost) CloseIdleConnections() {
	t.others.CloseIdleConnections()
	t.insecure.CloseIdleConnections()
}
