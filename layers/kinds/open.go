package kinds

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/layers"
)

// Open opens the store at a location. It is for the process that the user
// started; phases have their own way to keys.
func (l List) Open(ctx context.Context, at Location, credentials authn.Keychain) (layers.Store, string, error) {
	kind, err := l.Of(at)
	if err != nil {
		return nil, "", err
	}
	return kind.Open(ctx, at, Credentials{credentials, l.Login(at)})
}

// Of returns the kind of a location.
func (l List) Of(at Location) (Kind, error) {
	i := slices.IndexFunc(l, func(k Kind) bool { return k.Type == at.Type })
	if i < 0 {
		return Kind{}, fmt.Errorf("no such kind of cache: %q", at.Type)
	}
	return l[i], nil
}
