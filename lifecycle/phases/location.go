package phases

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/layers"
)

// Location says where a cache is kept, without any credential.
type Location struct {
	// Type names the kind of store, such as "registry".
	Type string `json:"type"`
	// Attrs are the store's attributes, such as ref.
	Attrs map[string]string `json:"attrs"`
}

// String returns how the user is told of the location.
func (l Location) String() string {
	if ref := l.Attrs["ref"]; ref != "" {
		return ref
	}
	return l.Type
}

// OpenStore opens the store at a location with the credentials of a keychain
// and returns it together with the name of the snapshot in it.
type OpenStore func(ctx context.Context, at Location, credentials authn.Keychain) (store layers.Store, name string, err error)

// Stores are the kinds of stores that can be opened, by Location.Type.
type Stores map[string]OpenStore

func (j *job) open(ctx context.Context, at Location) (layers.Store, string, error) {
	open, ok := j.stores[at.Type]
	if !ok {
		return nil, "", fmt.Errorf("no such kind of cache: %q", at.Type)
	}
	return open(ctx, at, j.keychain)
}
