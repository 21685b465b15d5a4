package kinds

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/gha"
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
		{"version 1", "type=gha", job, "gha:r.example.com/team/app", map[string]string{"type": "gha", "scope": "r.example.com/team/app", "version": "1", "repository": "team/app"}},
		{"version 2", "type=gha,scope=app", with("ACTIONS_CACHE_SERVICE_V2", "True"), "gha:app", map[string]string{"type": "gha", "scope": "app", "version": "2"}},
		{"version given", "type=gha,scope=app,version=1", with("ACTIONS_CACHE_SERVICE_V2", "True"), "gha:app", map[string]string{"type": "gha", "scope": "app", "version": "1"}},
		{"enterprise server", "type=gha,scope=app", map[string]string{"ACTIONS_CACHE_SERVICE_V2": "1", "GITHUB_SERVER_URL": "https://git.example.com"}, "gha:app",
			map[string]string{"type": "gha", "scope": "app", "version": "1"}},
		{"mode", "type=gha,scope=app", with("ACTIONS_CACHE_MODE", " READ "), "gha:app", map[string]string{"type": "gha", "scope": "app", "version": "1", "access": "read"}},
		{"mode of the future", "type=gha,scope=app", with("ACTIONS_CACHE_MODE", "mostly"), "gha:app", map[string]string{"type": "gha", "scope": "app", "version": "1"}},
		{"access", "type=gha,scope=app,access=none", with("ACTIONS_CACHE_MODE", "read"), "gha:app", map[string]string{"type": "gha", "scope": "app", "version": "1", "access": "none"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, name := range []string{"ACTIONS_CACHE_URL", "ACTIONS_RESULTS_URL", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_CACHE_SERVICE_V2",
				"ACTIONS_CACHE_MODE", "GITHUB_REPOSITORY", "GITHUB_SERVER_URL", "GITHUB_API_URL"} {
				t.Setenv(name, test.env[name])
			}
			got, err := ReadImport(test.value, image)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != test.label {
				t.Errorf("it is called %s, want %s", got, test.label)
			}
			said := told(got.Location)
			for _, secret := range []string{"url", "url_v2", "token"} {
				delete(said, secret)
			}
			if diff := cmp.Diff(test.attrs, said); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestGHAOutside opens a cache where there is no service.
func TestGHAOutside(t *testing.T) {
	t.Parallel()
	store, err := (&ghaAttrs{Scope: "app", Version: "2"}).open(t.Context(), Access{})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = store.Resolve(t.Context(), "app")
	if !errors.Is(err, layers.ErrNotFound) || !strings.Contains(hint.Of(err), "docs/github-actions.md") {
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

// TestGHAWithoutToken opens the cache service of act, which has no tokens. Where a
// URL is not a secret itself, a token has to be there.
func TestGHAWithoutToken(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, version string
		own           ghaAttrs
		missing       []string
	}{
		{"version 1", "1", ghaAttrs{URL: redact.NewSecret("http://127.0.0.1:1/secret/")}, nil},
		{"version 1 by the URL of version 2", "1", ghaAttrs{URLv2: redact.NewSecret("http://127.0.0.1:1/")}, []string{"ACTIONS_RUNTIME_TOKEN"}},
		{"version 2", "2", ghaAttrs{URLv2: redact.NewSecret("http://127.0.0.1:1/")}, []string{"ACTIONS_RUNTIME_TOKEN"}},
		{"nothing", "1", ghaAttrs{}, []string{"ACTIONS_CACHE_URL", "ACTIONS_RUNTIME_TOKEN"}},
	} {
		test.own.Scope, test.own.Version = "app", test.version
		at := Location{Place: Place{"gha", &test.own}}
		store, err := at.Open(t.Context(), Access{Keys: at.Login()})
		if err != nil {
			t.Fatal(err)
		}
		nowhere, _ := store.(gha.Nowhere)
		if diff := cmp.Diff(test.missing, nowhere.Missing); diff != "" {
			t.Errorf("%s: what is missing (-want +got):\n%s", test.name, diff)
		}
	}
}
