package keychain

import (
	"cmp"
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/trust"
)

// Options says where a keychain looks. The zero value is right for the
// command line.
type Options struct {
	// Getenv is os.Getenv when it is nil. It finds the configuration files,
	// CNB_REGISTRY_AUTH and the path of credential helpers; the helpers
	// themselves and the libraries of the clouds see the process's environment.
	Getenv func(string) string
	// Say gets a line when a credential helper makes the user wait; nil is
	// nobody. It is called from other goroutines.
	Say func(line string)
	// HelperLimit is how long a credential helper may take; 0 is a minute.
	HelperLimit time.Duration
}

// New returns the credentials of the user, from the first of these that
// has one for the repository or its registry:
//
//   - CNB_REGISTRY_AUTH, as the lifecycle reads it,
//   - DOCKER_AUTH_CONFIG, as Docker reads it,
//   - Docker's config.json (in $DOCKER_CONFIG or ~/.docker) and its trust.Credential
//     helpers,
//   - Podman's auth.json ($REGISTRY_AUTH_FILE, $XDG_RUNTIME_DIR/containers or
//     ~/.config/containers),
//   - for the registries of Amazon, Azure and Google, and for no others: what
//     the machine's identity in that cloud is good for.
//
// It is authn.Anonymous where none has one. Nothing is read or run before it is
// asked for. What a helper says is kept for a few minutes. A source that cannot
// be read is a *trust.CredentialError, and so is a helper that is configured but does
// not run, fails or takes too long. The keychain is safe for concurrent use, and observes the context of
// ResolveContext.
func New(options Options) authn.Keychain {
	getenv := options.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	return &keychain{sources: []source{
		&envSource{getenv: getenv},
		&configSource{getenv: getenv, helpers: helperRunner{
			say: options.Say, limit: cmp.Or(options.HelperLimit, time.Minute),
		}},
		cloudSource(),
	}}
}

// source is one place to look for a credential. The zero credential means that
// it has none.
type source interface {
	find(ctx context.Context, resource authn.Resource) (trust.Credential, error)
}

type keychain struct {
	sources []source
}

var (
	_ authn.Keychain        = (*keychain)(nil)
	_ authn.ContextKeychain = (*keychain)(nil)
)

// Resolve implements authn.Keychain.
func (k *keychain) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), resource)
}

// ResolveContext implements authn.ContextKeychain.
func (k *keychain) ResolveContext(ctx context.Context, resource authn.Resource) (authn.Authenticator, error) {
	for _, source := range k.sources {
		found, err := source.find(ctx, resource)
		if err != nil {
			return nil, err
		}
		if !found.Anonymous() {
			return found.Authenticator(), nil
		}
	}
	return authn.Anonymous, nil
}

// answerAge is how long the answer of a helper is used again. Helpers take up
// to seconds, and hand out tokens that live for at least some times longer.
const answerAge = 5 * time.Minute

// memo keeps answers per key and asks for each one thing at a time. The zero
// value is ready.
type memo struct {
	mu      sync.Mutex
	answers map[string]*answer
}

type answer struct {
	mu    sync.Mutex
	asked time.Time
	found trust.Credential
	err   error
}

// get returns the answer for key, from ask when none is there that is young
// enough. An answer that failed because ctx ended is not kept.
func (m *memo) get(key string, ask func() (trust.Credential, error)) (trust.Credential, error) {
	m.mu.Lock()
	if m.answers == nil {
		m.answers = map[string]*answer{}
	}
	a := m.answers[key]
	if a == nil {
		a = &answer{}
		m.answers[key] = a
	}
	m.mu.Unlock()

	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.asked.IsZero() && time.Since(a.asked) < answerAge {
		return a.found, a.err
	}
	found, err := ask()
	if err != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return trust.Credential{}, err
	}
	a.asked, a.found, a.err = time.Now(), found, err
	return found, err
}
