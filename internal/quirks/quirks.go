// Package quirks turns the answers of unusual registries into those that the OCI
// distribution specification asks for: a HEAD that lacks the digest or the media
// type, or is not known at all, is asked again with GET; an absence that is not
// told in JSON is told so; a push that is answered with another status than 201
// is looked at.
//
// What it is not for: repeating what failed, and credentials. It sits below
// both, and sends what it asks in addition to the same host, with the headers
// of the request that it was given.
package quirks

import (
	"net/http"
	"sync"
)

// New returns a transport that sends requests by way of inner and mends the
// answers of registries. Requests for other addresses than those of the
// specification pass through. It is safe for concurrent use.
func New(inner http.RoundTripper) http.RoundTripper { return &transport{inner: inner} }

type transport struct {
	inner http.RoundTripper
	// heads has the hosts that have answered a HEAD for a manifest as they should.
	heads sync.Map
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	at, ok := endpointOf(req.URL)
	if !ok {
		return t.inner.RoundTrip(req)
	}
	resp, err := t.inner.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	switch {
	case at.kind == manifests && req.Method == http.MethodHead:
		return t.headManifest(req, resp)
	case at.kind == manifests && req.Method == http.MethodGet:
		return getManifest(req, resp)
	case at.kind == manifests && req.Method == http.MethodPut:
		return t.putManifest(req, at, resp)
	case at.kind == blobs && req.Method == http.MethodHead:
		return t.headBlob(req, resp)
	case at.kind == uploads:
		return t.upload(req, at, resp)
	}
	return resp, nil
}
