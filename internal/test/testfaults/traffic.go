package testfaults

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
)

// Request is one request that came to a Proxy.
type Request struct {
	Method, Path, Query string
	// Authorization is the request's credential.
	Authorization string
	// Status is that of the answer; 0 if there was none, or not yet.
	Status int
	// Sent and Received are the bytes of the bodies, as the client sees it.
	Sent, Received int64
}

// traffic is a Request while it goes on.
type traffic struct {
	request        Request
	status         atomic.Int64
	sent, received atomic.Int64
	rule           Rule
	// hit says that there is a rule.
	hit bool
	// answer does to the body of an answer what the rule says.
	answer func(io.ReadCloser) io.ReadCloser
}

// trafficKey is the context key of a request's traffic.
type trafficKey struct{}

func withTraffic(ctx context.Context, t *traffic) context.Context {
	return context.WithValue(ctx, trafficKey{}, t)
}

func trafficOf(r *http.Request) *traffic {
	return r.Context().Value(trafficKey{}).(*traffic)
}
