package layers

import (
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// DamagedError says that a name stands for a cache of which something is lost
// or broken, so that it cannot be used. It wraps ErrCorrupt. Nothing is lost
// when a whole snapshot takes its place, so Save does that unasked.
type DamagedError struct {
	// Where names the store and the name.
	Where string
	// What says what is broken, as in "its config sha256:… is lost".
	What string
	// Digest is what Commit takes for previous when the cache is to be
	// replaced; the zero Hash where the store cannot tell what the name stands
	// for.
	Digest v1.Hash
	// Blob is a blob of the store whose content is not what its digest says;
	// the zero Hash for none. Stores do not replace such a blob.
	Blob v1.Hash
}

// Error implements error.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("the cache %s is damaged: %s", e.Where, e.What)
}

// Is makes errors.Is(err, ErrCorrupt) true.
func (e *DamagedError) Is(target error) bool { return target == ErrCorrupt }

// Hint says what will become of it.
func (e *DamagedError) Hint() string {
	return "the next build that saves to it puts a whole cache in its place"
}

// AsDamaged returns the DamagedError in an error's chain, nil if there is none.
func AsDamaged(err error) *DamagedError {
	damaged, _ := errors.AsType[*DamagedError](err)
	return damaged
}

// damaged says that the snapshot is one of which something is broken.
func (s *Snapshot) damaged(what string, blob v1.Hash) error {
	return &DamagedError{Where: s.String(), What: what, Digest: s.digest, Blob: blob}
}

// ownAnnotations begins the names of all annotations that package layers writes.
const ownAnnotations = "com.github.pack-cache."

// broken says that the snapshot's config is lost or broken. Only a manifest that
// package layers has written is certainly that of a cache. Any other may be an
// image of somebody who knows how to mend it.
func (s *Snapshot) broken(what string, blob v1.Hash) error {
	if s.written() {
		return s.damaged(what, blob)
	}
	return s.foreign("an image that is damaged: " + what)
}

// written reports whether package layers has written the manifest.
func (s *Snapshot) written() bool {
	for _, layer := range s.manifest.Layers {
		for name := range layer.Annotations {
			if strings.HasPrefix(name, ownAnnotations) {
				return true
			}
		}
	}
	return false
}
