package keychain

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	ecr "github.com/awslabs/amazon-ecr-credential-helper/ecr-login"
	acr "github.com/chrismellard/docker-credential-acr-env/pkg/credhelper"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/google"

	"github.com/pack-cache/pack-cache/internal/grammar"
	"github.com/pack-cache/pack-cache/trust"
)

// clouds asks the libraries of the clouds, each for its own registries only:
// they look for the identity of the machine on the network, and where there is
// no such cloud that takes seconds.
type clouds []cloud

type cloud struct {
	hosts *regexp.Regexp
	// skip is a variable that switches the cloud off when it is "true", as for
	// the lifecycle.
	skip string
	ask  func(ctx context.Context, host string) (trust.Credential, error)
	memo *memo
}

func cloudSource() clouds {
	googleAuth := &googleAuth{}
	return clouds{
		{
			hosts: regexp.MustCompile(`^[0-9]{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|on\.aws)$`),
			skip:  "CNB_REGISTRY_AUTH_KEYCHAIN_SKIP_AMAZON",
			ask:   fromHelper(func() authn.Helper { return ecr.NewECRHelper(ecr.WithLogger(io.Discard)) }),
			memo:  &memo{},
		},
		{
			hosts: regexp.MustCompile(`^[a-z0-9-]+\.azurecr\.(io|cn|de|us)$`),
			skip:  "CNB_REGISTRY_AUTH_KEYCHAIN_SKIP_AZURE",
			ask:   fromHelper(func() authn.Helper { return acr.NewACRCredentialsHelper() }),
			memo:  &memo{},
		},
		{
			hosts: regexp.MustCompile(`^([a-z0-9-]+\.)?gcr\.io$|^[a-z0-9-]+-docker\.pkg\.dev$`),
			skip:  "CNB_REGISTRY_AUTH_KEYCHAIN_SKIP_GOOGLE",
			ask:   googleAuth.get,
			memo:  &memo{},
		},
	}
}

// find implements source. A cloud that knows no identity is no error: its
// registries have public images.
func (c clouds) find(ctx context.Context, resource authn.Resource) (trust.Credential, error) {
	host := grammar.Host(resource.RegistryStr())
	for _, cloud := range c {
		if cloud.hosts.MatchString(host) && os.Getenv(cloud.skip) != "true" {
			return cloud.memo.get(host, func() (trust.Credential, error) {
				return interruptible(ctx, func() (trust.Credential, error) { return cloud.ask(ctx, host) })
			})
		}
	}
	return trust.Credential{}, nil
}

// interruptible returns when ctx ends even if ask, which knows no context, is
// not done.
func interruptible(ctx context.Context, ask func() (trust.Credential, error)) (trust.Credential, error) {
	var (
		found trust.Credential
		err   error
		done  = make(chan struct{})
	)
	go func() {
		defer close(done)
		found, err = ask()
	}()
	select {
	case <-done:
		return found, err
	case <-ctx.Done():
		return trust.Credential{}, ctx.Err()
	}
}

// fromHelper asks a library that has the form of a credential helper.
func fromHelper(newHelper func() authn.Helper) func(context.Context, string) (trust.Credential, error) {
	return func(_ context.Context, host string) (trust.Credential, error) {
		user, secret, err := newHelper().Get(host)
		switch {
		case err != nil || secret == "":
			return trust.Credential{}, nil
		case user == tokenUser:
			return trust.NewCredential(authn.AuthConfig{IdentityToken: secret}), nil
		}
		return trust.NewCredential(authn.AuthConfig{Username: user, Password: secret}), nil
	}
}

// googleAuth finds Google's application default credentials, or those of
// gcloud. It keeps what it found, which renews itself.
type googleAuth struct {
	mu    sync.Mutex
	found authn.Authenticator
}

func (g *googleAuth) get(ctx context.Context, _ string) (trust.Credential, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.found == nil {
		// The tokens are renewed after this call, and so after its context.
		g.found = findGoogle(context.WithoutCancel(ctx))
	}
	config, err := g.found.Authorization()
	if err != nil {
		return trust.Credential{}, nil
	}
	return trust.NewCredential(*config), nil
}

func findGoogle(ctx context.Context) authn.Authenticator {
	if hasGoogleIdentity() {
		if found, err := google.NewEnvAuthenticator(ctx); err == nil {
			return found
		}
	}
	if _, err := exec.LookPath("gcloud"); err == nil {
		if found, err := google.NewGcloudAuthenticator(ctx); err == nil {
			return found
		}
	}
	return authn.Anonymous
}

// hasGoogleIdentity says whether application default credentials may exist,
// without asking the network for a metadata server that is not there.
func hasGoogleIdentity() bool {
	for _, variable := range []string{"GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST"} {
		if os.Getenv(variable) != "" {
			return true
		}
	}
	if home, err := os.UserHomeDir(); err == nil {
		if _, err := os.Stat(filepath.Join(home, ".config", "gcloud", "application_default_credentials.json")); err == nil {
			return true
		}
	}
	product, err := os.ReadFile("/sys/class/dmi/id/product_name")
	return err == nil && strings.HasPrefix(string(product), "Google")
}
