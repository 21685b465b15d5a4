package phases

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

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
func (s Stores) Login(at Location) Login {
	find := s[at.Type].Login
	if find == nil {
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
	ctx, cancel := context.WithTimeoutCause(ctx, limit, &slowLoginError{limit})
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

// slowLoginError says that no keys were found in time.
type slowLoginError struct{ limit time.Duration }

// Error implements error.
func (e *slowLoginError) Error() string {
	return fmt.Sprintf("the search for credentials took longer than %s", e.limit)
}

// Hint tells the way out.
func (e *slowLoginError) Hint() string {
	return "check that the metadata service, identity provider or program that has them answers, or give it more time with max-wait"
}

// remember is how long keys must be good for to be used once more.
const remember = 10 * time.Minute

// login returns what asks the phase's caller for the keys to a location.
func (j *job) login(at Location) Login {
	if at.Login == 0 {
		return nil
	}
	return func(ctx context.Context) (Keys, error) {
		a, err := j.link.ask(ctx, question{Login: at.Login})
		switch {
		case err != nil:
			return Keys{}, err
		case a.Keys == nil:
			return Keys{}, fmt.Errorf("an answer about the keys to %s says nothing", at)
		}
		return a.Keys.keys(), nil
	}
}

// wireKeys is the form in which keys travel to a phase. It is the one place
// where they are written out.
type wireKeys struct {
	Values  map[string]string `json:"values"`
	Expires time.Time         `json:"expires,omitzero"`
}

func (k Keys) wire() *wireKeys {
	w := &wireKeys{Values: map[string]string{}, Expires: k.Expires}
	for name, value := range k.Values {
		w.Values[name] = value.Reveal()
	}
	return w
}

func (w *wireKeys) keys() Keys {
	k := Keys{Values: map[string]redact.Secret{}, Expires: w.Expires}
	for name, value := range w.Values {
		k.Values[name] = redact.NewSecret(value)
	}
	return k
}

// findKeys answers a phase's question for the keys of a login.
func findKeys(ctx context.Context, logins map[int]Login, number int) (*wireKeys, error) {
	login, ok := logins[number]
	if !ok {
		return nil, fmt.Errorf("there is no login %d for this phase", number)
	}
	keys, err := login(ctx)
	if err != nil {
		return nil, err
	}
	return keys.wire(), nil
}
