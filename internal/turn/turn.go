// Package turn has a lock that is waited for no longer than a context lasts.
//
// What it is not for: short sections, for which sync.Mutex is enough.
package turn

import "context"

// Lock is held by one goroutine at a time. It is made by New.
type Lock chan struct{}

// New returns a lock that nobody holds.
func New() Lock { return make(Lock, 1) }

// Take waits for the lock. If the context ends first, its error is returned and the
// lock is not held.
func (l Lock) Take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Give gives the lock back. Only who holds it may call it.
func (l Lock) Give() { <-l }
