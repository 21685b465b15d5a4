package s3

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// standard is net/http's own transport: a phase puts another one in its place.
var standard = http.DefaultTransport.(*http.Transport)

// newTransport returns a client with the proxy of the environment, and the
// certificates of the system and those in PEM besides.
func newTransport(authorities string) (*http.Client, error) {
	transport := standard.Clone()
	// All connections go to one or two hosts, and several layers move at the same
	// time.
	transport.MaxIdleConnsPerHost = 32
	transport.WriteBufferSize, transport.ReadBufferSize = 64<<10, 64<<10
	// A gzip layer is not to be unpacked on the way.
	transport.DisableCompression = true
	if authorities != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM([]byte(authorities)) {
			return nil, errors.New("AWS_CA_BUNDLE has no certificate")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a redirect is not signed for where it goes
	}}, nil
}

// withoutAcceptEncoding takes the header out before requests are signed.
func withoutAcceptEncoding(stack *middleware.Stack) error {
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("WithoutAcceptEncoding",
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			if request, ok := in.Request.(*smithyhttp.Request); ok {
				request.Header.Del("Accept-Encoding")
			}
			return next.HandleFinalize(ctx, in)
		}), "Signing", middleware.Before)
}
