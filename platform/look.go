package platform

import (
	"context"
	"sync"
	"time"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
)

// maxExpecting is how long it may take to find out how large a cache is. Not to
// know it costs less.
const maxExpecting = 2 * time.Second

// expect returns how many bytes a restore of the largest import takes, or 0 if that is not known or the build shall use the disk.
func (p *Platform) expect(ctx context.Context, r *resolved) int64 {
	if r.OnDisk || r.ClearCache {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, maxExpecting)
	defer cancel()
	var mu sync.Mutex
	var largest int64
	var all sync.WaitGroup
	for _, at := range r.imports {
		all.Go(func() {
			snapshot, err := p.load(ctx, r, at.Location)
			if err != nil {
				return // restore finds out, and says so
			}
			mu.Lock()
			defer mu.Unlock()
			largest = max(largest, snapshot.Footprint())
		})
	}
	all.Wait()
	return largest
}

// load reads what a cache is made of, in this process.
func (p *Platform) load(ctx context.Context, r *resolved, at kinds.Location) (*layers.Snapshot, error) {
	if at.Loan != nil {
		return layers.LoadImport(ctx, r.loans[at.Loan.Number], at.Loan.Name)
	}
	store, name, err := p.Caches.Open(ctx, at, p.keychain(r))
	if err != nil {
		return nil, err
	}
	return layers.LoadImport(ctx, store, name)
}
