package objects

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/layers"
)

// Commit implements layers.Store. Where the service obeys conditions, of two
// builds that commit at once one meets the conflict. Elsewhere it is found by
// looking just before and just after, and the name may stand for what came last,
// which is whole. Of several names the first moves last.
func (s *Store) Commit(ctx context.Context, name, mediaType string, raw []byte, previous v1.Hash) (v1.Descriptor, error) {
	digest, size, _ := v1.SHA256(bytes.NewReader(raw))
	desc := v1.Descriptor{MediaType: types.MediaType(mediaType), Digest: digest, Size: size}
	if err := s.commit(ctx, name, manifest{desc: desc, raw: raw}, previous); err != nil {
		return v1.Descriptor{}, s.failed(ctx, "write to", err)
	}
	return desc, nil
}

func (s *Store) commit(ctx context.Context, name string, next manifest, previous v1.Hash) error {
	names := Names(name)
	now, err := s.standFor(ctx, names)
	if err != nil {
		return err
	}
	if current := first(now); current != previous && current != next.desc.Digest {
		return fmt.Errorf("%s: %w", name, layers.ErrConflict)
	}
	if err := s.ensure(ctx); err != nil {
		return err
	}
	if err := s.care(ctx, next.raw); err != nil {
		return err
	}
	for i, one := range slices.Backward(names) {
		if now[i].desc.Digest == next.desc.Digest {
			continue
		}
		if err := s.replace(ctx, one, now[i], next); err != nil {
			return err
		}
	}
	return nil
}

// standFor reads what names stand for; the zero manifest is for nothing.
func (s *Store) standFor(ctx context.Context, names []string) ([]manifest, error) {
	now := make([]manifest, len(names))
	for i, name := range names {
		var err error
		if now[i], err = s.read(ctx, name); err != nil && !missing(err) {
			return nil, err
		}
	}
	return now, nil
}

// first is the digest of what Resolve finds.
func first(now []manifest) v1.Hash {
	for _, m := range now {
		if m.raw != nil {
			return m.desc.Digest
		}
	}
	return v1.Hash{}
}

// replace makes a name stand for next instead of now.
func (s *Store) replace(ctx context.Context, name string, now, next manifest) error {
	only := Condition{Tag: now.info.Tag, Absent: now.raw == nil}
	if s.comparing.Load() == unknown {
		if written, err := s.findOut(ctx, name, next); written || err != nil {
			return err
		}
	}
	if s.comparing.Load() == ignores || only == (Condition{}) {
		return s.overwrite(ctx, name, next)
	}
	err := s.put(ctx, name, next, only)
	switch {
	case err == nil:
		return nil
	case unsupported(err):
		return s.overwrite(ctx, name, next)
	case !unmet(err):
		return err
	}
	// It may have been ourselves: an answer that was lost is asked for again.
	return s.confirm(ctx, name, next)
}

// findOut finds out whether the service obeys conditions, by writing next under
// one that cannot hold. A service that does not has written it by that.
func (s *Store) findOut(ctx context.Context, name string, next manifest) (written bool, err error) {
	err = s.put(ctx, name, next, Condition{Tag: `"00000000000000000000000000000000"`})
	switch {
	case err == nil:
		s.comparing.Store(ignores)
		return true, s.confirm(ctx, name, next)
	case unmet(err):
		s.comparing.Store(compares)
	case unsupported(err):
		s.comparing.Store(ignores)
	default:
		return false, err
	}
	return false, nil
}

// unsupported reports whether an error may say that the service has no
// conditions.
func unsupported(err error) bool {
	return status(err) == http.StatusNotImplemented || status(err) == http.StatusBadRequest
}

// overwrite makes a name stand for next whatever it stands for now.
func (s *Store) overwrite(ctx context.Context, name string, next manifest) error {
	if err := s.put(ctx, name, next, Condition{}); err != nil {
		return err
	}
	return s.confirm(ctx, name, next)
}

// confirm fails with a conflict if a name does not stand for next.
func (s *Store) confirm(ctx context.Context, name string, next manifest) error {
	now, err := s.read(ctx, name)
	if missing(err) || err == nil && now.desc.Digest != next.desc.Digest {
		return fmt.Errorf("%s: %w", name, layers.ErrConflict)
	}
	return err
}

func (s *Store) put(ctx context.Context, name string, next manifest, only Condition) error {
	return s.config.Service.Put(ctx, s.manifestKey(name), string(next.desc.MediaType), next.raw, only)
}
