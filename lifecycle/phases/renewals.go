package phases

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pack-cache/pack-cache/trust"
)

// renewals makes new grants for a phase, one at a time and not as many as it
// likes: each asks token servers.
type renewals struct {
	renew Renew

	mu    sync.Mutex
	begun time.Time
	count int
}

// atFirst is how many grants a phase may have made at once. One more is allowed
// with every second that it runs.
const atFirst = 32

// next makes a new grant.
func (r *renewals) next(ctx context.Context) (*trust.Grant, error) {
	if r.renew == nil {
		return nil, errors.New("this phase has no grant")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.begun.IsZero() {
		r.begun = time.Now()
	}
	if r.count >= atFirst+int(time.Since(r.begun)/time.Second) {
		return nil, errors.New("the phase asks for grants too often")
	}
	r.count++
	return r.renew(ctx)
}
