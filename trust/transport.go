package trust

import (
	"crypto/tls"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/internal/quirks"
)

// Transport returns go-containerregistry's transport, with the answers of odd
// registries mended. The certificates of the insecure registries are not
// verified; those of every other host are, be it the token server of an insecure
// registry.
func Transport(insecure []string) http.RoundTripper { return quirks.New(verifying(insecure)) }

func verifying(insecure []string) http.RoundTripper {
	standard, ok := remote.DefaultTransport.(*http.Transport)
	if !ok || len(insecure) == 0 {
		return remote.DefaultTransport
	}
	unverified := standard.Clone()
	unverified.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // The user asked for it.
	byHost := hostTransport{others: standard, insecure: unverified, hosts: map[string]bool{}}
	for _, host := range insecure {
		byHost.hosts[normalHost(host)] = true
	}
	return byHost
}

// newTransport is Transport with a few retries.
func newTransport(insecure []string) http.RoundTripper {
	return transport.NewRetry(Transport(insecure), transport.WithRetryStatusCodes(
		http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout))
}

// hostTransport has another transport for some hosts.
type hostTransport struct {
	others, insecure http.RoundTripper
	hosts            map[string]bool
}

// RoundTrip implements http.RoundTripper.
func (t hostTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.hosts[normalHost(r.URL.Host)] {
		return t.insecure.RoundTrip(r)
	}
	return t.others.RoundTrip(r)
}
