package platform

import (
	"context"
	"sync"
	"time"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/trust"
)

// maxLooking is how long it may take to look what the caches hold. Phases look again
// at those that were slower.
const maxLooking = 2 * time.Second

// look reads what the imports are made of, so that phases need not. It returns how
// many bytes a restore of the largest one takes, 0 if that is not known.
func (p *Platform) look(ctx context.Context, r *resolved) int64 {
	if r.ClearCache {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, maxLooking)
	defer cancel()
	var err error
	if r.imported, err = trust.Mint(ctx, p.keychain(r), importScope(r.imports), trust.MintOptions{Insecure: r.insecureHosts()}); err != nil {
		return 0 // restore finds out, and says so
	}
	var mu sync.Mutex
	var largest int64
	var all sync.WaitGroup
	for i := range r.imports {
		all.Go(func() {
			at := &r.imports[i].Location
			snapshot, err := p.load(ctx, r, *at)
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			largest = max(largest, snapshot.Footprint())
			r.know(at, snapshot.Known())
		})
	}
	all.Wait()
	return largest
}

// know notes what an import in a registry holds, there and with the exports to the
// same reference. Other stores have to be asked for a manifest before they find what
// it names.
func (r *resolved) know(at *kinds.Location, known *layers.Known) {
	if at.Facts().Image == nil {
		return
	}
	at.Known = known
	for i := range r.exports {
		if to := &r.exports[i]; !to.Inline && to.String() == at.String() {
			to.Known = known
		}
	}
}

// load reads what a cache is made of, in this process.
func (p *Platform) load(ctx context.Context, r *resolved, at kinds.Location) (*layers.Snapshot, error) {
	store := r.loans[at.ID]
	if store == nil {
		var err error
		if store, err = at.Open(ctx, kinds.Access{Keychain: r.imported.Keychain(nil), Insecure: r.Insecure, Keys: r.logins[at.ID]}); err != nil {
			return nil, err
		}
	}
	return layers.LoadImport(ctx, store, at.Facts().Snapshot)
}
