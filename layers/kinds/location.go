package kinds

import (
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/blob"
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
	// Known is the snapshot that was there when the build began; nil if the phase
	// has to ask for it.
	Known *layers.Known `json:"known,omitempty"`
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
	Compression      blob.Compression `json:"compression"`
	ForceCompression bool             `json:"force_compression,omitempty"`
	// DockerMediaTypes writes Docker schema 2 instead of OCI types.
	DockerMediaTypes bool `json:"docker_media_types,omitempty"`
	// Timeout bounds how long the cache is saved there; 0 is no bound.
	Timeout time.Duration `json:"timeout,omitempty"`
}

// Host is the registry that a cache is in, "" if it is in none.
func (l Location) Host() string {
	ref, err := name.ParseReference(l.Attrs["ref"], name.WeakValidation)
	if l.Attrs["ref"] == "" || err != nil {
		return ""
	}
	return ref.Context().RegistryStr()
}

// Server names what has to answer to use the cache, if that is known.
func (l Location) Server() string {
	return l.Type + " " + l.Host() + l.Attrs["endpoint_url"] + l.Attrs["account_url"]
}
