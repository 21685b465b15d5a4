package phases

import (
	"context"
	"fmt"

	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/trust"
)

// open opens the store at a location. A directory of the phase's caller is borrowed.
func (j *job) open(ctx context.Context, at kinds.Location) (layers.Store, error) {
	if at.Facts().Dir != "" {
		return j.borrow(at)
	}
	return at.Open(ctx, kinds.Access{Keychain: j.keychain, Insecure: j.Insecure, Keys: j.keys(at)})
}

// keys returns what asks the phase's caller for a grant of the keys to a location.
func (j *job) keys(at kinds.Location) kinds.Login {
	return func(ctx context.Context) (redact.Secret, error) {
		a, err := j.link.ask(ctx, question{Keys: at.ID})
		switch {
		case err != nil:
			return redact.Secret{}, err
		case a.Grant == nil || a.Grant.Keys().IsZero():
			return redact.Secret{}, fmt.Errorf("an answer about the keys to %s says nothing", at)
		}
		return a.Grant.Keys(), nil
	}
}

// findKeys answers a phase's question for the keys to a location.
func findKeys(ctx context.Context, logins map[string]kinds.Login, id string) (*trust.Grant, error) {
	login, ok := logins[id]
	if !ok {
		return nil, fmt.Errorf("there are no keys to %q for this phase", id)
	}
	keys, err := login(ctx)
	if err != nil {
		return nil, err
	}
	return trust.GrantKeys(keys), nil
}
