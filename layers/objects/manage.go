package objects

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers"
)

var (
	_ layers.Lister  = (*Store)(nil)
	_ layers.Deleter = (*Store)(nil)
	_ layers.Sweeper = (*Store)(nil)
)

// List implements layers.Lister.
func (s *Store) List(ctx context.Context) ([]layers.Listed, error) {
	var all []layers.Listed
	err := s.config.Service.List(ctx, s.config.Manifests, func(key string, info Info) {
		if _, isBlob := s.blobAt(key); !isBlob {
			all = append(all, layers.Listed{Name: strings.TrimPrefix(key, s.config.Manifests), Changed: info.Modified})
		}
	})
	if err != nil && !missing(err) {
		return nil, s.failed(ctx, "list", err)
	}
	return all, nil
}

// blobAt reports whether a blob is at a key, and its digest; the zero Hash if
// that is not known yet.
func (s *Store) blobAt(key string) (v1.Hash, bool) {
	rest, below := strings.CutPrefix(key, s.config.Blobs)
	if !below {
		return v1.Hash{}, false
	}
	if strings.HasPrefix(rest, pending) {
		return v1.Hash{}, true
	}
	digest, err := v1.NewHash(rest)
	return digest, err == nil
}

// Delete implements layers.Deleter. A name that moves in the very instant is
// deleted, too. Blobs stay for Sweep.
func (s *Store) Delete(ctx context.Context, name string, digest v1.Hash) error {
	for _, one := range Names(name) {
		now, err := s.read(ctx, one)
		if err == nil && now.desc.Digest != digest {
			err = fmt.Errorf("%s: %w", one, layers.ErrConflict)
		}
		if err == nil {
			err = s.config.Service.Delete(ctx, s.manifestKey(one))
		}
		if err != nil {
			return s.failed(ctx, "delete from", err)
		}
	}
	return nil
}

// Sweep implements layers.Sweeper. What was left of uploads that never ended is
// removed, too.
func (s *Store) Sweep(ctx context.Context, options layers.SweepOptions) (layers.Swept, error) {
	swept, err := s.sweep(ctx, options)
	if err != nil {
		err = s.failed(ctx, "delete from", err)
	}
	return swept, err
}

func (s *Store) sweep(ctx context.Context, options layers.SweepOptions) (layers.Swept, error) {
	// Blobs first: what a build stores after that is not among them.
	type found struct {
		key    string
		digest v1.Hash
		size   int64
	}
	var blobs []found
	err := s.config.Service.List(ctx, s.config.Blobs, func(key string, info Info) {
		digest, ok := s.blobAt(key)
		if ok && (options.Before.IsZero() || info.Modified.Before(options.Before)) {
			blobs = append(blobs, found{key, digest, info.Size})
		}
	})
	if err != nil || len(blobs) == 0 {
		if missing(err) {
			err = nil
		}
		return layers.Swept{}, err
	}
	needed, err := s.needed(ctx, options.Without)
	if err != nil {
		return layers.Swept{}, err
	}
	var swept layers.Swept
	for _, blob := range blobs {
		if needed[blob.digest] {
			continue
		}
		if !options.DryRun {
			if err := s.config.Service.Delete(ctx, blob.key); err != nil {
				return swept, err
			}
		}
		swept.Blobs++
		swept.Bytes += blob.size
	}
	return swept, nil
}

// needed is the blobs that names lead to.
func (s *Store) needed(ctx context.Context, without []string) (map[v1.Hash]bool, error) {
	names, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	needed := map[v1.Hash]bool{}
	for _, one := range names {
		if slices.Contains(without, one.Name) {
			continue
		}
		m, err := s.read(ctx, one.Name)
		if missing(err) {
			continue // somebody else has deleted it
		}
		if err != nil {
			return nil, err
		}
		blobs, err := blobsOf(m.raw)
		if err != nil && !json.Valid(m.raw) {
			continue // it is damaged: nobody finds a blob by it
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.Name, err)
		}
		for _, blob := range blobs {
			needed[blob] = true
		}
	}
	return needed, nil
}
