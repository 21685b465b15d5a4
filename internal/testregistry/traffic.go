package testregistry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// Request is one request that came to a Faults.
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
}

// trafficKey is the context key of a request's traffic.
type trafficKey struct{}

func withTraffic(ctx context.Context, t *traffic) context.Context {
	return context.WithValue(ctx, trafficKey{}, t)
}

func trafficOf(r *http.Request) *traffic {
	return r.Context().Value(trafficKey{}).(*traffic)
}

var errCut = errors.New("cut")

// meter counts a body, and breaks it off after limit bytes if limit is not 0.
type meter struct {
	io.ReadCloser
	count *atomic.Int64
	limit int64
}

func (m meter) Read(p []byte) (int, error) {
	if m.limit > 0 {
		left := m.limit - m.count.Load()
		if left <= 0 {
			return 0, errCut
		}
		p = p[:min(int64(len(p)), left)]
	}
	n, err := m.ReadCloser.Read(p)
	m.count.Add(int64(n))
	return n, err
}
