package reach

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pack-cache/pack-cache/internal/test/testweb"
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
			if got := Hint("r.example.com", err); !strings.Contains(got, test.want) {
				t.Errorf("the hint for %v is %q, want %q", err, got, test.want)
			}
			if cause := Cause(errors.Join(errors.New("400 Bad Request"), err)); (cause != nil) != test.cert {
				t.Errorf("the cause of %v is %v", err, cause)
			}
		})
	}
}
