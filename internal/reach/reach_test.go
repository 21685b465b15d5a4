package reach

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pack-cache/pack-cache/internal/test/testweb"
	"github.com/pack-cache/pack-cache/internal/web"
)

func TestHint(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	trusting := secure.Client().Transport.(*http.Transport).Clone()
	trusting.TLSClientConfig.Time = func() time.Time { return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) }
	tests := []struct {
		name, url string
		transport http.RoundTripper
		cert      bool
		want      string
	}{
		{"unknown authority", secure.URL, testweb.Transport(t), true, "SSL_CERT_FILE"},
		{"expired", secure.URL, trusting, true, "clock"},
		{"no TLS", strings.Replace(plain.URL, "http:", "https:", 1), testweb.Transport(t), false, "--insecure-registry r.example.com"},
		{"no such host", "https://registry.invalid/", testweb.Transport(t), false, "check that registry r.example.com can be reached"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := (&http.Client{Transport: test.transport}).Get(test.url)
			if got := Registry("r.example.com").Silent(err); !strings.Contains(got, test.want) {
				t.Errorf("the hint for %v is %q, want %q", err, got, test.want)
			}
			if cause := Cause(errors.Join(errors.New("400 Bad Request"), err)); (cause != nil) != test.cert {
				t.Errorf("the cause of %v is %v", err, cause)
			}
		})
	}
}

// TestAnswers has the words for answers of every kind of server.
func TestAnswers(t *testing.T) {
	t.Parallel()
	registry, store := Registry("r.example.com"), Server{Name: "s3://bucket", Settings: "the region"}
	for _, test := range []struct{ got, want string }{
		{registry.Answered(http.StatusTooManyRequests), "registry r.example.com limits how many requests it takes: try again later, or log in"},
		{store.Answered(http.StatusTooManyRequests), "s3://bucket limits how many requests it takes: try again later"},
		{registry.Answered(http.StatusBadGateway), "registry r.example.com answered 502; try again later"},
		{registry.Answered(http.StatusNotFound), ""},
		{registry.Silent(fmt.Errorf("Get: %w", web.ErrCircle)), "check what stands in front of registry r.example.com: it sends requests in a circle"},
		{store.Silent(errors.New("EOF")), "check that s3://bucket can be reached from here: its name, the network, the region, and HTTPS_PROXY and NO_PROXY where there is a proxy"},
		{Login("r.example.com", false, "x"), "there is no credential for r.example.com: log in with `docker login r.example.com`, or set CNB_REGISTRY_AUTH"},
		{Login("r.example.com", true, "repository:a:pull"), "check that the account that is logged in to r.example.com may do that (scope repository:a:pull), or log in again with `docker login r.example.com`, or set CNB_REGISTRY_AUTH"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}
