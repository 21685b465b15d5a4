package caches

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// TestGHA reads locations in jobs, and outside.
func TestGHA(t *testing.T) {
	const image = "r.example.com/team/app:1"
	job := map[string]string{
		"ACTIONS_CACHE_URL": "https://v1.example.com/secret-path/", "ACTIONS_RESULTS_URL": "https://v2.example.com/",
		"ACTIONS_RUNTIME_TOKEN": "secret-token", "GITHUB_REPOSITORY": "team/app", "GITHUB_SERVER_URL": "https://github.com",
	}
	with := func(name, value string) map[string]string { return map[string]string{name: value} }
	for _, test := range []struct {
		name, value string
		env         map[string]string
		label       string
		attrs       map[string]string
	}{
		{"version 1", "type=gha", job, "gha:r.example.com/team/app", map[string]string{"scope": "r.example.com/team/app", "version": "1", "repository": "team/app"}},
		{"version 2", "type=gha,scope=app", with("ACTIONS_CACHE_SERVICE_V2", "True"), "gha:app", map[string]string{"scope": "app", "version": "2"}},
		{"version given", "type=gha,scope=app,version=1", with("ACTIONS_CACHE_SERVICE_V2", "True"), "gha:app", map[string]string{"scope": "app", "version": "1"}},
		{"enterprise server", "type=gha,scope=app", map[string]string{"ACTIONS_CACHE_SERVICE_V2": "1", "GITHUB_SERVER_URL": "https://git.example.com"}, "gha:app",
			map[string]string{"scope": "app", "version": "1"}},
		{"mode", "type=gha,scope=app", with("ACTIONS_CACHE_MODE", " READ "), "gha:app", map[string]string{"scope": "app", "version": "1", "access": "read"}},
		{"mode of the future", "type=gha,scope=app", with("ACTIONS_CACHE_MODE", "mostly"), "gha:app", map[string]string{"scope": "app", "version": "1"}},
		{"access", "type=gha,scope=app,access=none", with("ACTIONS_CACHE_MODE", "read"), "gha:app", map[string]string{"scope": "app", "version": "1", "access": "none"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, name := range []string{"ACTIONS_CACHE_URL", "ACTIONS_RESULTS_URL", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_CACHE_SERVICE_V2",
				"ACTIONS_CACHE_MODE", "GITHUB_REPOSITORY", "GITHUB_SERVER_URL", "GITHUB_API_URL"} {
				t.Setenv(name, test.env[name])
			}
			got, err := All().Import("--x", test.value, image)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != test.label {
				t.Errorf("it is called %s, want %s", got, test.label)
			}
			if diff := cmp.Diff(test.attrs, got.Attrs); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestGHAOutside opens a cache where there is no service.
func TestGHAOutside(t *testing.T) {
	t.Parallel()
	at := phases.Location{Type: "gha", Attrs: map[string]string{"scope": "app", "version": "2"}}
	store, name, err := All().Stores().Open(context.Background(), at, nil)
	if err != nil || name != "app" {
		t.Fatal(name, err)
	}
	_, _, err = store.Resolve(t.Context(), name)
	var hinted interface{ Hint() string }
	if !errors.Is(err, layers.ErrNotFound) || !errors.As(err, &hinted) || !strings.Contains(hinted.Hint(), "docs/github-actions.md") {
		t.Errorf("resolve: %v", err)
	}
	if _, err := store.(layers.Lister).List(t.Context()); !errors.Is(err, layers.ErrDenied) {
		t.Errorf("list: %v", err)
	}
	const says = "ACTIONS_RESULTS_URL and ACTIONS_RUNTIME_TOKEN are not set"
	if !strings.HasSuffix(err.Error(), says) {
		t.Errorf("resolve: %v", err)
	}
}
