package web

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testweb"
)

// TestInsecure verifies the certificates of all hosts but the one that is named.
func TestInsecure(t *testing.T) {
	t.Parallel()
	named, other := httptest.NewTLSServer(http.NotFoundHandler()), httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(named.Close)
	t.Cleanup(other.Close)
	base := testweb.Transport(t)
	get := func(transport http.RoundTripper, url string) error {
		resp, err := (&http.Client{Transport: transport}).Get(url)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	insecure := Insecure(base, []string{strings.TrimPrefix(named.URL, "https://")})
	if err := get(insecure, named.URL); err != nil {
		t.Error(err)
	}
	for _, transport := range []http.RoundTripper{insecure, base, Insecure(base, nil)} {
		if _, unverified := errors.AsType[*tls.CertificateVerificationError](get(transport, other.URL)); !unverified {
			t.Error("the certificate of another host is not verified")
		}
	}
}
