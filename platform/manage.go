package platform

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/trust"
)

// CacheAccess is a cache that somebody wants to look at or change outside a
// build.
type CacheAccess struct {
	At kinds.Location
	// Push and Delete say what is done to it in addition to reading.
	Push, Delete bool
	// Login, if not nil, is for this cache alone.
	Login *trust.Login
}

// OpenedCache is a place where caches are kept.
type OpenedCache struct {
	layers.Store
	// Name is that of the snapshot which the location names.
	Name string
}

// OpenCaches opens caches for this process. For those in registries it has
// grants minted for exactly what access says, one for all, so that blobs can go
// from one repository of a registry to another without being moved. insecure are
// registry hosts to be reached without verified TLS.
func (p *Platform) OpenCaches(ctx context.Context, insecure []string, access ...CacheAccess) ([]OpenedCache, error) {
	r := &resolved{Options: Options{Insecure: insecure}}
	keychain := p.Keychain
	var scope trust.Scope
	for _, one := range access {
		r.imports = append(r.imports, kinds.Import{Location: one.At})
		scope = append(scope, one.scope()...)
		if one.Login != nil {
			keychain = trust.WithLogin(keychain, *one.Login)
		}
	}
	mint := func(ctx context.Context, _ string) (*trust.Grant, error) {
		return trust.Mint(ctx, keychain, scope, trust.MintOptions{Insecure: r.insecureHosts()})
	}
	granted := authn.NewMultiKeychain() // nothing for anybody
	if len(scope) > 0 {
		grant, err := mint(ctx, "")
		if err != nil {
			return nil, err
		}
		granted = grant.Keychain(mint)
	}
	var opened []OpenedCache
	for _, one := range access {
		store, err := one.At.Open(ctx, kinds.Access{Keychain: granted, Insecure: insecure, Keys: one.At.Login()})
		if err != nil {
			return nil, fmt.Errorf("cache %s: %w", one.At, err)
		}
		opened = append(opened, OpenedCache{store, one.At.Facts().Snapshot})
	}
	return opened, nil
}

// scope is what a grant for the cache covers.
func (a CacheAccess) scope() trust.Scope {
	return cacheScope(func(repo name.Repository) trust.Access {
		wanted := trust.Pull(repo)
		wanted.Push, wanted.Delete = a.Push, a.Delete
		return wanted
	}, a.At)
}
