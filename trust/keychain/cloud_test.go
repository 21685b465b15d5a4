package keychain

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/trust"
)

// A registry outside the clouds must never make their libraries look for a
// machine identity on the network.
func TestCloudsAreAskedAboutTheirOwnRegistriesOnly(t *testing.T) {
	t.Parallel()
	tests := map[string]int{
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com":     0,
		"123456789012.dkr.ecr-fips.us-gov-1.amazonaws.com": 0,
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn": 0,
		"123456789012.dkr-ecr.eu-west-1.on.aws":            0,
		"acme.azurecr.io":                                  1,
		"acme.azurecr.cn":                                  1,
		"gcr.io":                                           2,
		"eu.gcr.io":                                        2,
		"europe-west1-docker.pkg.dev":                      2,
		"index.docker.io":                                  -1,
		"ghcr.io":                                          -1,
		"localhost:5000":                                   -1,
		"127.0.0.1:5000":                                   -1,
		"registry.example.com":                             -1,
		"gcr.io.example.com":                               -1,
		"notgcr.io":                                        -1,
		"azurecr.io":                                       -1,
		"acme.azurecr.io.example.com":                      -1,
		"acme.azurecr.io:5000":                             -1,
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil": -1,
		"evil.com/123456789012.dkr.ecr.x.amazonaws.com":     -1,
		"public.ecr.aws": -1,
	}
	for host, want := range tests {
		list := cloudSource()
		asked := -1
		for i := range list {
			list[i].ask = func(context.Context, string) (trust.Credential, error) {
				asked = i
				return trust.NewCredential(authn.AuthConfig{Username: "u", Password: "p"}), nil
			}
		}
		found, err := list.find(t.Context(), resource(host))
		if err != nil || asked != want || found.Anonymous() != (want < 0) {
			t.Errorf("%s: asked %d, want %d (%v)", host, asked, want, err)
		}
	}
}

type resource string

func (r resource) String() string      { return string(r) }
func (r resource) RegistryStr() string { return string(r) }

func TestCloudsCanBeSkipped(t *testing.T) {
	t.Setenv("CNB_REGISTRY_AUTH_KEYCHAIN_SKIP_AZURE", "true")
	list := cloudSource()
	for i := range list {
		list[i].ask = func(context.Context, string) (trust.Credential, error) {
			t.Error("asked")
			return trust.Credential{}, nil
		}
	}
	if _, err := list.find(t.Context(), resource("acme.azurecr.io")); err != nil {
		t.Error(err)
	}
}

func TestCloudsObserveTheContext(t *testing.T) {
	t.Parallel()
	list := cloudSource()
	block := make(chan struct{})
	defer close(block)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i := range list {
		list[i].ask = func(context.Context, string) (trust.Credential, error) {
			cancel()
			<-block
			return trust.Credential{}, nil
		}
	}
	if _, err := list.find(ctx, resource("gcr.io")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestLookupKeys(t *testing.T) {
	t.Parallel()
	repo, err := name.NewRepository("r.example.com:1/a/b/c")
	if err != nil {
		t.Fatal(err)
	}
	got := lookupKeys("r.example.com:1", repo.String())
	want := []string{"r.example.com:1/a/b/c", "r.example.com:1/a/b", "r.example.com:1/a", "r.example.com:1"}
	if len(got) != len(want) {
		t.Fatal(got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if got := lookupKeys("r.example.com", "r.example.com"); len(got) != 1 {
		t.Error(got)
	}
}
