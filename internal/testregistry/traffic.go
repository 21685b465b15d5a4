package testregistry

import (
	"context"
	"net/http"
)

// trafficKey is the context key of a request's traffic.
type trafficKey struct{}

func withTraffic(ctx context.Context, t *traffic) context.Context {
	return context.WithValue(ctx, trafficKey{}, t)
}

func trafficOf(r *http.Request) *traffic {
	return r.Context().Value(trafficKey{}).(*traffic)
}
