package trust

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/grammar"
	"github.com/pack-cache/pack-cache/internal/turn"
)

// Refresh gets a fresh grant for the part of the scope that lies on host. It is
// called from the phase's side, and may be called for several hosts at once.
type Refresh func(ctx context.Context, host string) (*Grant, error)

// Keychain returns the keychain that gives the grant's credentials to clients of
// the repositories of its scope. Every other repository is refused, and so is a
// registry without a repository: a password is good for the whole registry, so
// it is given out for a repository or not at all. At answers for clients that
// ask about registries only.
//
// Tokens that are about to end, or that the registry rejected, are replaced by
// way of refresh, so that an upload may last longer than a token. With a nil
// refresh they are used as they are. The keychain is safe for concurrent use.
func (g *Grant) Keychain(refresh Refresh) authn.Keychain {
	k := grantKeychain{}
	for _, p := range g.permits {
		h := &holder{permit: p, anonymous: p.cred.Anonymous(), refresh: refresh, turn: turn.New()}
		for _, access := range p.scope {
			repo, err := name.NewRepository(access.Repository)
			if err != nil {
				continue
			}
			h.host = repo.RegistryStr()
			k[resourceKey(repo)] = h
		}
	}
	return k
}

// grantKeychain has the credentials by repository.
type grantKeychain map[string]*holder

var _ authn.Keychain = grantKeychain{}

// Resolve implements authn.Keychain.
func (k grantKeychain) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	h := k[resourceKey(resource)]
	switch {
	case h == nil:
		return nil, &OutsideError{resource.String()}
	case h.anonymous:
		return authn.Anonymous, nil
	}
	return &grantAuth{holder: h}, nil
}

// resourceKey returns the repository with its host normalised.
func resourceKey(resource authn.Resource) string {
	_, path, _ := strings.Cut(resource.String(), "/")
	return grammar.Host(resource.RegistryStr()) + "/" + path
}

// holder keeps one permit fresh.
type holder struct {
	host      string
	anonymous bool
	refresh   Refresh

	// turn guards permit and times, of which only permit's life and credential ever
	// change.
	turn   turn.Lock
	permit permit
	times  int
}

// grantAuth is the authenticator of one client. go-containerregistry asks it
// when the client is made, and again when the registry rejected a token.
type grantAuth struct {
	holder *holder
	// seen is the count of the token that was given last, plus one.
	seen int
}

var (
	_ authn.Authenticator        = (*grantAuth)(nil)
	_ authn.ContextAuthenticator = (*grantAuth)(nil)
)

// Authorization implements authn.Authenticator.
func (a *grantAuth) Authorization() (*authn.AuthConfig, error) {
	return a.AuthorizationContext(context.Background())
}

// youngest is the age up to which a rejected token is not replaced: it was
// rejected for what it allows, which will be no more the next time.
const youngest = 10 * time.Second

// AuthorizationContext implements authn.ContextAuthenticator.
func (a *grantAuth) AuthorizationContext(ctx context.Context) (*authn.AuthConfig, error) {
	h := a.holder
	if err := h.turn.Take(ctx); err != nil {
		return nil, err
	}
	defer h.turn.Give()
	now := time.Now()
	life := h.permit.life
	rejected := a.seen == h.times+1 && life.length > 0 && now.Sub(life.from) > youngest
	if h.refresh != nil && (life.ending(now) || rejected) {
		if err := h.renew(ctx); err != nil && (life.over(now) || ctx.Err() != nil) {
			return nil, fmt.Errorf("renewing the token for %s: %w", h.host, err)
		}
	}
	a.seen = h.times + 1
	return h.permit.cred.Authorization()
}

// renew replaces the credential by that of a fresh grant for the same
// repositories.
func (h *holder) renew(ctx context.Context) error {
	grant, err := h.refresh(ctx, h.host)
	if err != nil {
		return err
	}
	for _, fresh := range grant.permits {
		if fresh.scope.Includes(h.permit.scope) && !fresh.cred.Anonymous() {
			h.permit.cred, h.permit.life = fresh.cred, fresh.life
			h.times++
			return nil
		}
	}
	return fmt.Errorf("the fresh grant does not cover %s", h.permit.scope)
}

// Includes reports whether every repository of other is in s, with no less access.
func (s Scope) Includes(other Scope) bool {
	for _, wanted := range other {
		if !slices.ContainsFunc(s, func(a Access) bool {
			return a.Repository == wanted.Repository && (a.Push || !wanted.Push) && (a.Delete || !wanted.Delete)
		}) {
			return false
		}
	}
	return true
}
