package kinds

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/internal/web"
)

// Keys are what opens a store.
type Keys struct {
	// Values are by the names of the attributes that they stand for.
	Values map[string]redact.Secret
	// Expires is when other keys are needed; the zero time is never.
	Expires time.Time
}

// Login finds the keys to a store. It can be called again when they expire, and
// is safe for concurrent use.
type Login func(ctx context.Context) (Keys, error)

// Credentials are what a store may be opened with.
type Credentials struct {
	// Keychain has the credentials of registries.
	Keychain authn.Keychain
	// Login finds the keys to this store; nil if it needs none.
	Login Login
}

// Login returns what finds the keys to the store at a location, nil if it needs
// none. What it returns works in the process that the user started, and
// remembers keys until shortly before they expire. It takes no longer than an import or
// export from there may wait.
func (l List) Login(at Location) Login {
	kind, err := l.Of(at)
	find := kind.Login
	if err != nil || find == nil {
		if len(at.Secrets) == 0 {
			return nil
		}
		return func(context.Context) (Keys, error) { return Keys{Values: at.Secrets}, nil }
	}
	var mu sync.Mutex
	var last Keys
	return func(ctx context.Context) (Keys, error) {
		mu.Lock()
		defer mu.Unlock()
		if last.Values != nil && (last.Expires.IsZero() || time.Until(last.Expires) > remember) {
			return last, nil
		}
		found, err := within(ctx, at.Rule.Or(web.Rule{Wait: web.DefaultWait}).Wait, func(ctx context.Context) (Keys, error) { return find(ctx, at) })
		if err != nil {
			return Keys{}, err
		}
		last = Keys{Values: maps.Clone(at.Secrets), Expires: found.Expires}
		if last.Values == nil {
			last.Values = map[string]redact.Secret{}
		}
		maps.Copy(last.Values, found.Values)
		return last, nil
	}
}

// within gives find so long. It may look at places that do not answer, such as the
// metadata services of clouds, and at files that are pipes, which nothing ends.
func within(ctx context.Context, limit time.Duration, find func(context.Context) (Keys, error)) (Keys, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, hint.Errorf(
		"check that the metadata service, identity provider or program that has them answers, or give it more time with max-wait",
		"the search for credentials took longer than %s", limit))
	defer cancel()
	type result struct {
		keys Keys
		err  error
	}
	done := make(chan result, 1)
	go func() {
		keys, err := find(ctx)
		done <- result{keys, err}
	}()
	select {
	case r := <-done:
		if r.err != nil && ctx.Err() != nil {
			return Keys{}, context.Cause(ctx)
		}
		return r.keys, r.err
	case <-ctx.Done():
		return Keys{}, context.Cause(ctx)
	}
}

// remember is how long keys must be good for to be used once more.
const remember = 10 * time.Minute
