// Package testkeychain asks keychains what they would send to a registry.
//
// What it is not for: logins at registries (package testregistry).
package testkeychain

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/trust"
)

// Basic returns name and password as basic authentication and Docker's configuration
// have them.
func Basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// Repository reads the name of a repository.
func Repository(t testing.TB, s string) name.Repository {
	t.Helper()
	repo, err := name.NewRepository(s)
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

// Find resolves a repository and returns what would be sent. The test fails if that is
// nothing and not authn.Anonymous.
func Find(t testing.TB, keychain authn.Keychain, repo string) (authn.AuthConfig, error) {
	t.Helper()
	found, err := authn.Resolve(t.Context(), keychain, Repository(t, repo))
	if err != nil {
		return authn.AuthConfig{}, err
	}
	config, err := authn.Authorization(t.Context(), found)
	if err != nil {
		return authn.AuthConfig{}, err
	}
	if (*config == authn.AuthConfig{}) != (found == authn.Anonymous) {
		t.Errorf("%s: an empty credential is not authn.Anonymous", repo)
	}
	return *config, nil
}

// WantCredentialError fails unless err is a *trust.CredentialError with a way out, and
// names all words.
func WantCredentialError(t testing.TB, err error, words ...string) {
	t.Helper()
	known, ok := errors.AsType[*trust.CredentialError](err)
	if !ok {
		t.Errorf("error %v, want a *trust.CredentialError", err)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not name %s: %v", word, err)
		}
	}
	if known.Hint() == "" {
		t.Errorf("no hint for %v", err)
	}
}
