package trust_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/trust"
)

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

func repository(t *testing.T, s string) name.Repository {
	t.Helper()
	repo, err := name.NewRepository(s)
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

// find resolves a repository and returns what would be sent.
func find(t *testing.T, keychain authn.Keychain, repo string) (authn.AuthConfig, error) {
	t.Helper()
	found, err := authn.Resolve(t.Context(), keychain, repository(t, repo))
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

func wantCredentialError(t *testing.T, err error, words ...string) {
	t.Helper()
	var known *trust.CredentialError
	if !errors.As(err, &known) {
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
