package phases

import (
	"errors"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
)

// refusal is an error of the caller as the phase gets it.
type refusal struct {
	Message string `json:"message"`
	Advice  string `json:"advice,omitempty"`
	// Kind is a key of sentinels, "" for any other error.
	Kind string `json:"kind,omitempty"`
	// Damaged is set for a cache that is damaged.
	Damaged *damage `json:"damaged,omitempty"`
}

// damage is a layers.DamagedError in JSON.
type damage struct {
	Where  string `json:"where"`
	What   string `json:"what"`
	Digest string `json:"digest,omitempty"`
	Blob   string `json:"blob,omitempty"`
}

// sentinels are the errors that callers look for.
func sentinels() map[string]error {
	return map[string]error{
		"not found": layers.ErrNotFound,
		"denied":    layers.ErrDenied,
		"conflict":  layers.ErrConflict,
		"corrupt":   layers.ErrCorrupt,
		"exceeded":  bounds.ErrExceeded,
	}
}

func refuse(err error) *refusal {
	r := &refusal{Message: err.Error(), Advice: hint.Of(err)}
	for name, kind := range sentinels() {
		if errors.Is(err, kind) {
			r.Kind = name
		}
	}
	if found := layers.AsDamaged(err); found != nil {
		r.Damaged = &damage{found.Where, found.What, digestText(found.Digest), digestText(found.Blob)}
	}
	return r
}

// Error implements error.
func (r *refusal) Error() string { return r.Message }

// Hint says what the user can do.
func (r *refusal) Hint() string { return r.Advice }

// Unwrap returns the kind of the error.
func (r *refusal) Unwrap() error {
	if r.Damaged == nil {
		return sentinels()[r.Kind]
	}
	digest, err := parseDigest(r.Damaged.Digest)
	blob, blobErr := parseDigest(r.Damaged.Blob)
	if errors.Join(err, blobErr) != nil {
		return layers.ErrCorrupt
	}
	return &layers.DamagedError{Where: r.Damaged.Where, What: r.Damaged.What, Digest: digest, Blob: blob}
}
