package testregistry

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/test/testfaults"
)

// Faults is a proxy in front of a registry that makes faults and counts. Its
// methods are safe for concurrent use.
type Faults struct {
	*testfaults.Proxy
	registry *Registry
}

type (
	// Rule is a fault of such a proxy.
	Rule = testfaults.Rule
	// Request is a request that came to it.
	Request = testfaults.Request
)

// StartFaults starts a proxy before r, with TLS if r has it. The caller closes
// it.
func StartFaults(r *Registry) (*Faults, error) {
	target := &url.URL{Scheme: "http", Host: r.Addr}
	var certificate *tls.Certificate
	if r.ca != nil {
		target.Scheme = "https"
		pair, err := r.ca.server()
		if err != nil {
			return nil, err
		}
		certificate = &pair
	}
	return &Faults{testfaults.Start(target, r.Transport(), certificate), r}, nil
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

// Keychain returns the credential of one of the registry's users for the proxy.
func (f *Faults) Keychain(user string) authn.Keychain {
	return keychain{addr: func(host string) bool { return host == f.Addr }, users: f.registry.users, user: user}
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
