package quirks

import (
	"net/http"
	"net/url"
	"strings"
)

// kind is what a request is about (distribution specification, "Endpoints").
type kind int

const (
	manifests kind = iota
	blobs
	uploads
)

// endpoint is the address of something in a repository.
type endpoint struct {
	kind kind
	// repository is the path of the repository, with /v2/ before it.
	repository string
}

func endpointOf(at *url.URL) (endpoint, bool) {
	if !strings.HasPrefix(at.Path, "/v2/") {
		return endpoint{}, false
	}
	for _, one := range []struct {
		part string
		kind kind
	}{{"/blobs/uploads/", uploads}, {"/manifests/", manifests}, {"/blobs/", blobs}} {
		if i := strings.LastIndex(at.Path, one.part); i > len("/v2") {
			return endpoint{one.kind, at.Path[:i]}, true
		}
	}
	return endpoint{}, false
}

// ask sends another request to the host of req, with its headers and those
// given. An empty path is that of req.
func (t *transport) ask(req *http.Request, method, path string, header http.Header) (*http.Response, *http.Request, error) {
	again := req.Clone(req.Context())
	again.Method, again.Body, again.GetBody, again.ContentLength, again.TransferEncoding = method, nil, nil, 0, nil
	again.Header.Del("Content-Type")
	if path != "" {
		again.URL.Path, again.URL.RawPath, again.URL.RawQuery = path, "", ""
	}
	for key, values := range header {
		again.Header[key] = values
	}
	resp, err := t.inner.RoundTrip(again)
	return resp, again, err
}
