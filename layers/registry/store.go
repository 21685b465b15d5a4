// Package registry keeps snapshots in a repository of an OCI registry.
//
// A snapshot here is a cache image under a tag: stock pack and the stock
// lifecycle read and write it. The package speaks the OCI distribution
// specification 1.1, and with registries that know only Docker's schema 2.
//
// What it is not for: finding credentials (it is given a keychain), resuming
// an interrupted download and verifying what was downloaded (package layers).
package registry

import (
	"context"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/quirks"
	"github.com/pack-cache/pack-cache/internal/turn"
	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
)

// Config says which repository a Store keeps its snapshots in.
type Config struct {
	// Ref names the repository.
	Ref name.Reference
	// Insecure allows plain HTTP, and TLS without verification, for the registry
	// itself; its token server and storage are verified. Without it, plain HTTP is
	// tried for loopback and private addresses only.
	Insecure bool
	// Keychain finds the credential for the repository. Nil is anonymous.
	Keychain authn.Keychain
	// Transport carries the requests; nil is a transport of the store's own,
	// with the proxy of the environment and the certificates of the system. A
	// transport that is not an *http.Transport is not changed by Insecure.
	Transport http.RoundTripper
	// UserAgent is the User-Agent header of all requests. Empty is
	// "pack-cache".
	UserAgent string
	// Rule says how long requests may wait that have no budget in their context.
	Rule web.Rule
}

// Store keeps snapshots in one repository. It is safe for concurrent use.
type Store struct {
	repo      name.Repository
	keychain  authn.Keychain
	transport http.RoundTripper
	rule      web.Rule

	// lock is held while the first contact with the registry is made, and
	// guards client.
	lock   turn.Lock
	client *client
}

var _ layers.Store = (*Store)(nil)

// New returns the store that config describes. It does no I/O.
func New(config Config) *Store {
	repo := config.Ref.Context()
	if config.Insecure {
		// That it is a registry is known.
		repo.Registry, _ = name.NewRegistry(repo.RegistryStr(), name.Insecure)
	}
	if config.UserAgent == "" {
		config.UserAgent = "pack-cache"
	}
	if config.Keychain == nil {
		config.Keychain = authn.NewMultiKeychain()
	}
	return &Store{
		repo:      repo,
		keychain:  config.Keychain,
		transport: roundTripper(config, repo.RegistryStr()),
		rule:      config.Rule,
		lock:      turn.New(),
	}
}

// String returns REGISTRY/REPOSITORY.
func (s *Store) String() string { return s.repo.Name() }

// roundTripper returns the transport below authentication.
func roundTripper(config Config, host string) http.RoundTripper {
	base := config.Transport
	if base == nil {
		base = web.NewTransport()
	}
	if t, ok := base.(*http.Transport); ok && config.Insecure {
		base = web.Insecure(t, []string{host})
	}
	return userAgent{config.UserAgent, quirks.New(&web.Transport{Inner: base, Rule: config.Rule})}
}

// userAgent names us in every request, those to token servers included.
type userAgent struct {
	name  string
	inner http.RoundTripper
}

func (u userAgent) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", u.name)
	return u.inner.RoundTrip(req)
}

// connect makes the first contact with the registry, once: it finds out whether
// TLS is spoken and how the registry wants to be authenticated. A failure is
// not remembered.
func (s *Store) connect(ctx context.Context) (*client, error) {
	if err := s.lock.Take(ctx); err != nil {
		return nil, err
	}
	defer s.lock.Give()
	if s.client == nil {
		c, err := dial(ctx, s)
		if err != nil {
			return nil, err
		}
		s.client = c
	}
	return s.client, nil
}
