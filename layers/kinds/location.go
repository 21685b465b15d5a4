package kinds

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// Location says where a cache is kept. Its JSON is what travels to a phase; secrets
// are not in it. It is printed without them.
type Location struct {
	// Place is where, in the attributes of its kind.
	Place Place `json:"place"`
	// ID tells the caches of a build apart where a phase asks for keys or borrows a
	// store.
	ID string `json:"id,omitempty"`
	// Known is the snapshot that was there when the build began; nil if the phase
	// has to ask for it.
	Known *layers.Known `json:"known,omitempty"`
	// Rule says how long requests may wait, and the search for keys.
	Rule web.Rule `json:"rule"`
	// Names are the caches there that the user named, nil if that was left open.
	Names []string `json:"-"`
}

// Place is the attributes of a location. The zero value is nowhere.
type Place struct {
	kind string
	attributes
}

// MarshalJSON writes the attributes under the name of their kind.
func (p Place) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]attributes{p.kind: p.attributes})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (p *Place) UnmarshalJSON(data []byte) error {
	var read map[string]json.RawMessage
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	*p = Place{}
	for name, own := range read {
		if name == "" {
			continue
		}
		i := slices.IndexFunc(all(), func(k kind) bool { return k.name == name })
		if i < 0 {
			return fmt.Errorf("no such kind of cache: %q", name)
		}
		p.kind, p.attributes = name, all()[i].attributes()
		if err := json.Unmarshal(own, p.attributes); err != nil {
			return fmt.Errorf("type=%s: %w", name, err)
		}
	}
	return nil
}

// Type is the name of the location's kind, such as registry.
func (l Location) Type() string { return l.Place.kind }

// Facts returns what others than the store need to know.
func (l Location) Facts() Facts {
	if l.Place.attributes == nil {
		return Facts{}
	}
	return l.Place.facts()
}

// String returns how the user is told of the location.
func (l Location) String() string { return l.Facts().Label }

// Host is the registry that a cache is in, "" if it is in none.
func (l Location) Host() string {
	if image := l.Facts().Image; image != nil {
		return image.Context().RegistryStr()
	}
	return ""
}

// Server names what has to answer to use the cache, if that is known.
func (l Location) Server() string { return l.Type() + " " + l.Host() + l.Facts().Service }

// Access is what a store may be opened with.
type Access struct {
	// Keychain has the credentials of registries.
	Keychain authn.Keychain
	// Insecure are registry hosts that may be reached without verified TLS, besides
	// what the location says.
	Insecure []string
	// Keys finds the keys to this store; nil if there are none.
	Keys Login
}

// Open opens the store. It does no I/O with it, but may ask for keys.
func (l Location) Open(ctx context.Context, with Access) (layers.Store, error) {
	if l.Place.attributes == nil {
		return nil, fmt.Errorf("no kind of cache is named")
	}
	return l.Place.open(ctx, with)
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
	Compression      blob.Compression `json:"compression"`
	ForceCompression bool             `json:"force_compression,omitempty"`
	// DockerMediaTypes writes Docker schema 2 instead of OCI types.
	DockerMediaTypes bool `json:"docker_media_types,omitempty"`
	// Timeout bounds how long the cache is saved there; 0 is no bound.
	Timeout time.Duration `json:"timeout,omitempty"`
}
