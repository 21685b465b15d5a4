package gha

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers"
)

var _ layers.Mounter = (*Store)(nil)

// MountFrom implements layers.Mounter for two stores in the same service: an
// entry that one sees the other sees, too.
func (s *Store) MountFrom(ctx context.Context, from layers.Store, blob v1.Descriptor) (bool, error) {
	other, ok := from.(*Store)
	if !ok || other.base != s.base || other.version != s.version {
		return false, nil
	}
	other.mu.Lock()
	at, known := other.places[blob.Digest]
	other.mu.Unlock()
	if !known {
		return false, nil
	}
	if found, err := s.exact(ctx, at.Entry); err != nil || found == nil {
		return false, err
	}
	s.learn(blob.Digest, at)
	return true, nil
}
