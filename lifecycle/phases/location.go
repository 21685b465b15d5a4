package phases

import (
	"context"
	"fmt"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
)

// Location says where a cache is kept.
type Location struct {
	// Type names the kind of store, such as "registry".
	Type string `json:"type"`
	// Attrs are the store's attributes, such as ref.
	Attrs map[string]string `json:"attrs"`
	// Secrets are the attributes that nothing may show. They are not in the
	// JSON: a phase asks its caller for them.
	Secrets map[string]redact.Secret `json:"-"`
	// Label is how the user is told of the location; "" is its reference, or
	// else its type.
	Label string `json:"label,omitempty"`
	// Login is set if the phase has to ask for keys: the place of the login in
	// Call.Logins, counted from 1 on.
	Login int `json:"login,omitempty"`
	// Loan is set if the phase cannot reach the store itself.
	Loan *Loan `json:"loan,omitempty"`
	// Rule says how long requests may wait, and the search for keys.
	Rule web.Rule `json:"rule"`
}

// Loan says that a phase borrows a store of its caller.
type Loan struct {
	// Number is the store's place in Call.Loans.
	Number int `json:"number"`
	// Store is what the store calls itself, Name the snapshot in it.
	Store string `json:"store"`
	Name  string `json:"name"`
}

// String returns how the user is told of the location.
func (l Location) String() string {
	switch ref := l.Attrs["ref"]; {
	case l.Loan != nil:
		return layers.At(l.Loan.Store, l.Loan.Name)
	case l.Label != "":
		return l.Label
	case ref != "":
		return ref
	}
	return l.Type
}

// Import is a place to look for a cache in.
type Import struct {
	Location
	// Timeout bounds how long layers are restored from there; 0 is no bound.
	Timeout time.Duration `json:"timeout,omitempty"`
}

// Export is a place to save the cache to.
type Export struct {
	Location
	// Inline makes a cache of the app image itself, whose repository the
	// location is.
	Inline bool `json:"inline,omitempty"`
	// Max saves more (mode=max): layers that are for launch only, too, or, with
	// Inline, those that the app image does not have, beside it.
	Max bool `json:"max,omitempty"`
	// Required makes it a failure if nothing could be saved there.
	Required bool `json:"required,omitempty"`
	// Compression is for new blobs, with ForceCompression for all.
	Compression      layers.Compression `json:"compression"`
	ForceCompression bool               `json:"force_compression,omitempty"`
	// DockerMediaTypes writes Docker schema 2 instead of OCI types.
	DockerMediaTypes bool `json:"docker_media_types,omitempty"`
	// Timeout bounds how long the cache is saved there; 0 is no bound.
	Timeout time.Duration `json:"timeout,omitempty"`
}

// OpenStore opens the store at a location and returns it together with the name
// of the snapshot in it.
type OpenStore func(ctx context.Context, at Location, with Credentials) (store layers.Store, name string, err error)

// Kind is a kind of stores.
type Kind struct {
	Open OpenStore
	// Login finds the keys to a store besides the location's secrets, where only
	// the process can that the user started: its environment and its files have
	// them. Nil if the secrets are all.
	Login func(ctx context.Context, at Location) (Keys, error)
	// Lent says that the stores are files of the machine and user that
	// pack-cache was started by. Phases see neither; they borrow the store.
	Lent bool
	// Beside makes the store of what belongs to app images, of the one that Open
	// returned for their repository. Nil for kinds that are not Export.Inline.
	Beside func(images layers.Store) (layers.Store, error)
}

// Stores are the kinds of stores that there are, by Location.Type.
type Stores map[string]Kind

// Open opens the store at a location. It is for the process that the user
// started; phases have their own way to keys.
func (s Stores) Open(ctx context.Context, at Location, credentials authn.Keychain) (layers.Store, string, error) {
	kind, err := s.kind(at)
	if err != nil {
		return nil, "", err
	}
	return kind.Open(ctx, at, Credentials{credentials, s.Login(at)})
}

func (s Stores) kind(at Location) (Kind, error) {
	kind, ok := s[at.Type]
	if !ok {
		return Kind{}, fmt.Errorf("no such kind of cache: %q", at.Type)
	}
	return kind, nil
}

// open opens the store at a location as the phase sees it.
func (j *job) open(ctx context.Context, at Location) (layers.Store, string, error) {
	if at.Loan == nil {
		kind, err := j.stores.kind(at)
		if err != nil {
			return nil, "", err
		}
		return kind.Open(ctx, at, Credentials{j.keychain, j.login(at)})
	}
	store, err := j.borrow(*at.Loan)
	return store, at.Loan.Name, err
}
