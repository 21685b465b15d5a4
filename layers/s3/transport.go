package s3

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/pack-cache/pack-cache/internal/web"
)

// newTransport returns a client with the proxy of the environment, the system's
// certificates and those in PEM.
func newTransport(authorities string, rule web.Rule) (*http.Client, error) {
	transport := web.NewTransport()
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
	return &http.Client{Transport: &web.Transport{Inner: transport, Rule: rule}, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a redirect is not signed for where it goes
	}}, nil
}

// replayable makes the bodies of requests such that the transport can send them
// again.
func replayable(stack *middleware.Stack) error {
	return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("Replayable",
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			if request, ok := in.Request.(*smithyhttp.Request); ok {
				if content, ok := request.GetStream().(*bytes.Reader); ok {
					request.GetBody = func() (io.ReadCloser, error) {
						return io.NopCloser(io.NewSectionReader(content, 0, content.Size())), nil
					}
				}
			}
			return next.HandleFinalize(ctx, in)
		}), middleware.After)
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
