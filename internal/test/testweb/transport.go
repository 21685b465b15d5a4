// Package testweb gives tests their own connections.
//
// A test must not use http.DefaultTransport: httptest.Server.Close closes its idle
// connections, and so breaks a request of another test that has just taken one.
package testweb

import (
	"net/http"
	"testing"
)

// Transport returns a transport of the test's own. Its idle connections are closed
// when the test has ended.
func Transport(t testing.TB) *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// Client returns a client with a transport of the test's own.
func Client(t testing.TB) *http.Client { return &http.Client{Transport: Transport(t)} }
