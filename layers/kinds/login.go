package kinds

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/internal/web"
)

// Login finds the keys to a store: the sealed struct that its kind has for them
// (redact.Seal). It can be called again when they expire, and is safe for concurrent
// use.
type Login func(ctx context.Context) (redact.Secret, error)

// keysOf finds the keys of a kind. Without any, they are the zero value.
func keysOf[K any](with Access) func(context.Context) (K, error) {
	return func(ctx context.Context) (keys K, err error) {
		if with.Keys == nil {
			return keys, nil
		}
		sealed, err := with.Keys(ctx)
		if err == nil && sealed.Unseal(&keys) != nil {
			err = errors.New("the keys to the store cannot be read")
		}
		return keys, err
	}
}

// Login returns what finds the keys to the store at a location, nil if it needs
// none. What it returns works in the process that the user started, and
// remembers keys until shortly before they expire. It takes no longer than an import or
// export from there may wait.
func (l Location) Login() Login {
	from, ok := l.Place.attributes.(keyed)
	if !ok {
		return nil
	}
	var mu sync.Mutex
	var last redact.Secret
	var until time.Time
	return func(ctx context.Context) (redact.Secret, error) {
		mu.Lock()
		defer mu.Unlock()
		if !last.IsZero() && (until.IsZero() || time.Until(until) > remember) {
			return last, nil
		}
		keys, expires, err := within(ctx, l.Rule.Or(web.Rule{Wait: web.DefaultWait}).Wait, from)
		if err != nil {
			return redact.Secret{}, err
		}
		sealed, err := redact.Seal(keys)
		if err == nil {
			last, until = sealed, expires
		}
		return sealed, err
	}
}

// within gives a search for keys so long. It may look at places that do not answer, such
// as the metadata services of clouds, and at files that are pipes, which nothing ends.
func within(ctx context.Context, limit time.Duration, from keyed) (any, time.Time, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, hint.Errorf(
		"check that the metadata service, identity provider or program that has them answers, or give it more time with max-wait",
		"the search for credentials took longer than %s", limit))
	defer cancel()
	type result struct {
		keys    any
		expires time.Time
		err     error
	}
	done := make(chan result, 1)
	go func() {
		keys, expires, err := from.find(ctx)
		done <- result{keys, expires, err}
	}()
	select {
	case r := <-done:
		if r.err != nil && ctx.Err() != nil {
			return nil, time.Time{}, context.Cause(ctx)
		}
		return r.keys, r.expires, r.err
	case <-ctx.Done():
		return nil, time.Time{}, context.Cause(ctx)
	}
}

// remember is how long keys must be good for to be used once more.
const remember = 10 * time.Minute
