package phases

import (
	"context"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
)

// open opens the store at a location as the phase sees it.
func (j *job) open(ctx context.Context, at kinds.Location) (layers.Store, string, error) {
	if at.Loan == nil {
		kind, err := j.stores.Of(at)
		if err != nil {
			return nil, "", err
		}
		return kind.Open(ctx, at, kinds.Credentials{Keychain: j.keychain, Login: j.login(at)})
	}
	store, err := j.borrow(*at.Loan)
	return store, at.Loan.Name, err
}
