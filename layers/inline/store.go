// Package inline keeps snapshots beside app images: as OCI artifacts in the same
// repository whose subject is the image (OCI image and distribution
// specifications 1.1, "subject" and "Listing Referrers").
//
// A name here is the app image, by digest or tag, and a snapshot holds what the
// image itself does not have. Reading both together is layers.LoadImport, which
// needs nothing but a registry; this package is for saving.
//
// What it is not for: making the app image, and marking it as a cache (package
// phases).
package inline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/registry"
)

// Store keeps the snapshots of the app images of one repository. It is safe for
// concurrent use.
type Store struct{ repository *registry.Store }

var (
	_ layers.Store   = (*Store)(nil)
	_ layers.Mounter = (*Store)(nil)
)

// New returns the store of the app images in a repository. It does no I/O.
func New(repository *registry.Store) *Store { return &Store{repository} }

// String returns REGISTRY/REPOSITORY.
func (s *Store) String() string { return s.repository.String() }

// Resolve implements layers.Store: it returns the newest snapshot that refers to
// the app image called name. That the image itself is not there is no other
// error than that nothing refers to it.
func (s *Store) Resolve(ctx context.Context, name string) (v1.Descriptor, []byte, error) {
	subject, err := s.subject(ctx, name)
	if err != nil {
		return v1.Descriptor{}, nil, err
	}
	for retried := false; ; retried = true {
		all, err := s.repository.Referrers(ctx, subject, layers.ArtifactType)
		if err != nil {
			return v1.Descriptor{}, nil, err
		}
		newest, ok := layers.Newest(all)
		if !ok {
			return v1.Descriptor{}, nil, &missingError{s.String(), subject}
		}
		desc, raw, err := s.read(ctx, newest.Digest)
		// Another build may have replaced it just now.
		if errors.Is(err, layers.ErrNotFound) && !retried {
			continue
		}
		return desc, raw, s.damage(err, subject, newest.Digest)
	}
}

// damage makes a *layers.DamagedError of what is wrong with an artifact, if that is
// lost or broken.
func (s *Store) damage(err error, image, artifact v1.Hash) error {
	found := &layers.DamagedError{Where: fmt.Sprintf("kept beside %s@%s", s, image)}
	switch {
	case errors.Is(err, layers.ErrNotFound):
		found.What = fmt.Sprintf("its manifest %s is lost", artifact)
	case errors.Is(err, layers.ErrCorrupt), errors.Is(err, layers.ErrForeign):
		found.What, found.Digest = err.Error(), artifact
	default:
		return err
	}
	return found
}

// subject is the digest of an app image.
func (s *Store) subject(ctx context.Context, name string) (v1.Hash, error) {
	if digest, err := v1.NewHash(name); err == nil {
		return digest, nil
	}
	desc, _, err := s.repository.Resolve(ctx, name)
	return desc.Digest, err
}

// read returns the manifest that an artifact was made of.
func (s *Store) read(ctx context.Context, artifact v1.Hash) (v1.Descriptor, []byte, error) {
	desc, raw, err := s.repository.Resolve(ctx, artifact.String())
	if err != nil {
		return v1.Descriptor{}, nil, err
	}
	manifest, err := unwrap(raw)
	if err != nil {
		return v1.Descriptor{}, nil, fmt.Errorf("%s@%s: %w", s, artifact, err)
	}
	return describe(string(desc.MediaType), manifest), manifest, nil
}

// Open implements layers.Store.
func (s *Store) Open(ctx context.Context, blob v1.Descriptor, offset, length int64) (io.ReadCloser, error) {
	return s.repository.Open(ctx, blob, offset, length)
}

// Push implements layers.Store.
func (s *Store) Push(ctx context.Context, want v1.Descriptor, open func() (io.ReadCloser, error)) (layers.Pushed, error) {
	return s.repository.Push(ctx, want, open)
}

// MountFrom implements layers.Mounter.
func (s *Store) MountFrom(ctx context.Context, from layers.Store, blob v1.Descriptor) (bool, error) {
	return s.repository.MountFrom(ctx, from, blob)
}

// Commit implements layers.Store: it makes the app image called name, which has
// to be there, the subject of manifest, in place of the snapshot before it. As
// registries cannot compare and swap, a conflict is found by looking just
// before; of two builds that commit in the same instant, all readers take the
// same one.
func (s *Store) Commit(ctx context.Context, name, mediaType string, manifest []byte, previous v1.Hash) (v1.Descriptor, error) {
	image, _, err := s.repository.Resolve(ctx, name)
	if err != nil {
		return v1.Descriptor{}, err
	}
	all, now, generation, err := s.now(ctx, image.Digest)
	if err != nil {
		return v1.Descriptor{}, err
	}
	desc := describe(mediaType, manifest)
	switch now {
	case desc.Digest:
		return desc, nil
	case previous:
	default:
		return v1.Descriptor{}, fmt.Errorf("what is kept beside %s@%s: %w", s, image.Digest, layers.ErrConflict)
	}
	artifact, raw, err := wrap(image, mediaType, manifest, generation+1)
	if err != nil {
		return v1.Descriptor{}, err
	}
	err = s.repository.Refer(ctx, registry.Referrer{
		Descriptor: artifact, Manifest: raw, Subject: image.Digest, Newer: layers.Newer,
	})
	if err != nil {
		return v1.Descriptor{}, err
	}
	var old []v1.Hash
	for _, d := range all {
		if d.Digest != artifact.Digest {
			old = append(old, d.Digest)
		}
	}
	s.repository.Forget(ctx, old...)
	return desc, nil
}

// now returns the artifacts beside an app image, what Commit compares with the
// previous snapshot, and the generation of the newest artifact.
func (s *Store) now(ctx context.Context, image v1.Hash) (all []v1.Descriptor, now v1.Hash, generation int, err error) {
	all, err = s.repository.Referrers(ctx, image, layers.ArtifactType)
	if broken := layers.AsDamaged(err); broken != nil {
		// Nobody knows the generations in a list that is lost, and a registry that
		// has a broken blob does not take it again: this one is later than all that
		// were counted.
		return nil, broken.Digest, int(time.Now().Unix()), nil
	}
	newest, ok := layers.Newest(all)
	if err != nil || !ok {
		return nil, v1.Hash{}, 0, err
	}
	read, _, err := s.read(ctx, newest.Digest)
	now = read.Digest
	err = s.damage(err, image, newest.Digest)
	if broken := layers.AsDamaged(err); broken != nil {
		now, err = broken.Digest, nil
	}
	return all, now, layers.Generation(newest), err
}

func describe(mediaType string, manifest []byte) v1.Descriptor {
	return v1.Descriptor{MediaType: types.MediaType(mediaType), Digest: digestOf(manifest), Size: int64(len(manifest))}
}

// missingError says that nothing is kept beside an app image.
type missingError struct {
	where string
	image v1.Hash
}

// Error implements error.
func (e *missingError) Error() string {
	return fmt.Sprintf("nothing is kept beside %s@%s: %v", e.where, e.image, layers.ErrNotFound)
}

// Is makes errors.Is(err, layers.ErrNotFound) true.
func (e *missingError) Is(target error) bool { return target == layers.ErrNotFound }
