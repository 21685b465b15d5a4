package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	registries "github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// greeted is a registry that counts its greetings.
func greeted(t *testing.T, serve http.HandlerFunc) (host string, times *atomic.Int64) {
	t.Helper()
	times = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		times.Add(1)
		serve(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), times
}

func greet(t *testing.T, ctx context.Context, host string) (*registries.Challenge, error) {
	t.Helper()
	inner := NewTransport()
	t.Cleanup(inner.CloseIdleConnections)
	registry, err := name.NewRegistry(host)
	if err != nil {
		t.Fatal(err)
	}
	return registries.Ping(ctx, registry, &Transport{Inner: inner})
}

func TestGreetings(t *testing.T) {
	host, times := greeted(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="https://tokens.example.com",service="here"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	first := &Greetings{}
	for range 2 {
		if _, err := greet(t, WithGreetings(t.Context(), first), host); err != nil {
			t.Fatal(err)
		}
	}
	// Another process.
	raw, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	second := &Greetings{}
	if err := json.Unmarshal(raw, second); err != nil {
		t.Fatal(err)
	}
	found, err := greet(t, WithGreetings(t.Context(), second), host)
	if err != nil {
		t.Fatal(err)
	}
	if !found.Insecure || found.Scheme != "bearer" || found.Parameters["realm"] != "https://tokens.example.com" || found.Parameters["service"] != "here" {
		t.Errorf("the remembered challenge is %+v", found)
	}
	if n := times.Load(); n != 1 {
		t.Errorf("the registry was greeted %d times", n)
	}
	if _, err := greet(t, t.Context(), host); err != nil || times.Load() != 2 {
		t.Errorf("without a memory, it was greeted %d times: %v", times.Load(), err)
	}
}

// TestGreetingsFailed greets again after what may pass.
func TestGreetingsFailed(t *testing.T) {
	var fails atomic.Bool
	fails.Store(true)
	host, times := greeted(t, func(w http.ResponseWriter, r *http.Request) {
		if fails.Load() {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	ctx := WithGreetings(t.Context(), &Greetings{})
	if _, err := greet(t, ctx, host); err == nil {
		t.Error("a registry that refuses was greeted")
	}
	fails.Store(false)
	if _, err := greet(t, ctx, host); err != nil || times.Load() != 2 {
		t.Errorf("greeted %d times: %v", times.Load(), err)
	}
}

// TestGreetingsOnly sends everything else to the registry.
func TestGreetingsOnly(t *testing.T) {
	host, times := greeted(t, func(http.ResponseWriter, *http.Request) {})
	ctx := WithGreetings(t.Context(), &Greetings{})
	if _, err := greet(t, ctx, host); err != nil {
		t.Fatal(err)
	}
	inner := NewTransport()
	t.Cleanup(inner.CloseIdleConnections)
	client := &http.Client{Transport: &Transport{Inner: inner}}
	for _, change := range []func(*http.Request){
		func(r *http.Request) { r.Method = http.MethodHead },
		func(r *http.Request) { r.URL.Path = "/v2/app/manifests/latest" },
		func(r *http.Request) { r.Header.Set("Authorization", "Bearer token") },
	} {
		before := times.Load()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+"/v2/", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(req)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if times.Load() != before+1 {
			t.Errorf("%s %s was not sent", req.Method, req.URL)
		}
	}
}
