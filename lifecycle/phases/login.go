package phases

import (
	"context"
	"fmt"
	"time"

	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/layers/kinds"
)

// login returns what asks the phase's caller for the keys to a location.
func (j *job) login(at kinds.Location) kinds.Login {
	if at.Login == 0 {
		return nil
	}
	return func(ctx context.Context) (kinds.Keys, error) {
		a, err := j.link.ask(ctx, question{Login: at.Login})
		switch {
		case err != nil:
			return kinds.Keys{}, err
		case a.Keys == nil:
			return kinds.Keys{}, fmt.Errorf("an answer about the keys to %s says nothing", at)
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

func wire(k kinds.Keys) *wireKeys {
	w := &wireKeys{Values: map[string]string{}, Expires: k.Expires}
	for name, value := range k.Values {
		w.Values[name] = value.Reveal()
	}
	return w
}

func (w *wireKeys) keys() kinds.Keys {
	k := kinds.Keys{Values: map[string]redact.Secret{}, Expires: w.Expires}
	for name, value := range w.Values {
		k.Values[name] = redact.NewSecret(value)
	}
	return k
}

// findKeys answers a phase's question for the keys of a login.
func findKeys(ctx context.Context, logins map[int]kinds.Login, number int) (*wireKeys, error) {
	login, ok := logins[number]
	if !ok {
		return nil, fmt.Errorf("there is no login %d for this phase", number)
	}
	keys, err := login(ctx)
	if err != nil {
		return nil, err
	}
	return wire(keys), nil
}
