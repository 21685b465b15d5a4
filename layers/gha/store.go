package gha

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
)

// Config says which cache service a Store keeps its snapshots in.
type Config struct {
	// URL is that of the service: for version 1 what ACTIONS_CACHE_URL has, for
	// version 2 what ACTIONS_RESULTS_URL has.
	URL string
	// Version is 1 or 2.
	Version int
	// Token is the ACTIONS_RUNTIME_TOKEN of the job; empty where the service wants
	// none, as that of act.
	Token string
	// Access is what the run may do; "" is everything that the service allows.
	Access Access
	// Repository is OWNER/NAME, GitHubToken a token that may read, and for Delete
	// write, its Actions, and APIURL where GitHub's REST API is. List and Delete
	// need them.
	Repository, GitHubToken, APIURL string
	// Transport carries the requests; nil is a transport of the store's own, with
	// the proxy of the environment and the certificates of the system.
	Transport http.RoundTripper
	// UserAgent is the User-Agent header of all requests. Empty is "pack-cache".
	UserAgent string
	// Rule says how long requests may wait that have no budget in their context.
	Rule web.Rule
}

// Store keeps snapshots in a cache service. It is safe for concurrent use.
//
// Small blobs that are pushed stay in memory until the Commit of a manifest that
// names them.
type Store struct {
	base    string
	version int
	service service
	client  *client
	rest    *rest
	access  Access
	// mayWrite is false if the token says that it is for reading alone.
	mayWrite bool
	// patience is how long to wait for somebody who has reserved a key.
	patience time.Duration
	pool     *pool

	mu sync.Mutex
	// places is where blobs are known to be.
	places map[v1.Hash]place
	// held are small blobs: those that wait for Commit, and those that were read
	// together with a head.
	held map[v1.Hash][]byte
	// waiting are those of held that are in no entry yet, and waitingSize is
	// their size.
	waiting     map[v1.Hash]bool
	waitingSize int
	// heads are the snapshots' entries that were read, by where their content is.
	heads map[string]*commit
	// urls are where entries can be read, by key.
	urls map[string]string
}

var _ layers.Store = (*Store)(nil)

// New returns the store that config describes. It does no I/O.
func New(config Config) *Store {
	if config.UserAgent == "" {
		config.UserAgent = "pack-cache"
	}
	if config.Transport == nil {
		config.Transport = web.NewTransport()
	}
	c := &client{http: &http.Client{Transport: &web.Transport{Inner: config.Transport, Rule: config.Rule}}, token: config.Token, agent: config.UserAgent}
	s := &Store{
		base: strings.TrimRight(config.URL, "/") + "/", version: config.Version, client: c, rest: newRest(config, c),
		access: config.Access, mayWrite: mayWrite(config.Token), patience: 15 * time.Second, pool: newPool(),
		places: map[v1.Hash]place{}, held: map[v1.Hash][]byte{}, waiting: map[v1.Hash]bool{},
		heads: map[string]*commit{}, urls: map[string]string{},
	}
	if config.Version == 1 {
		s.service = &v1service{c, s.base}
	} else {
		s.service = &v2service{c, s.base}
	}
	return s
}

// String returns "gha".
func (s *Store) String() string { return "gha" }

// exact finds the entry with a key; nil if there is none.
func (s *Store) exact(ctx context.Context, key string) (*entry, error) {
	if !s.access.reads() {
		return nil, s.access.denied("read", key)
	}
	found, err := s.service.find(ctx, key)
	if err != nil || found == nil || !strings.EqualFold(found.key, key) {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.urls[key] = found.url
	return found, nil
}

// address is where an entry can be read, "" if it is not there.
func (s *Store) address(ctx context.Context, key string) (url string, err error) {
	s.mu.Lock()
	url = s.urls[key]
	s.mu.Unlock()
	if url != "" {
		return url, nil
	}
	found, err := s.exact(ctx, key)
	if err != nil || found == nil {
		return "", err
	}
	return found.url, nil
}

// forget makes the next address ask the service.
func (s *Store) forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.urls, key)
}

// locate finds out where a blob is. The error wraps layers.ErrNotFound if it is
// not there.
func (s *Store) locate(ctx context.Context, digest v1.Hash) (place, error) {
	s.mu.Lock()
	at, ok := s.places[digest]
	s.mu.Unlock()
	if ok {
		return at, nil
	}
	found, err := s.exact(ctx, blobKey(digest))
	switch {
	case err != nil:
		return place{}, err
	case found == nil:
		return place{}, notThere("blob " + digest.String())
	}
	at = place{Entry: blobKey(digest), Size: -1}
	s.learn(digest, at)
	return at, nil
}

func (s *Store) learn(digest v1.Hash, at place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.places[digest] = at
}

// inMemory returns a blob that is held in memory.
func (s *Store) inMemory(digest v1.Hash) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	content, ok := s.held[digest]
	return content, ok
}

func notThere(what string) error {
	return &failure{op: "read", what: what, cause: layers.ErrNotFound}
}
