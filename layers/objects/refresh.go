package objects

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
)

// Refresh implements layers.Refresher. It touches what is getting old, so that a
// rule by which objects expire does not take what is in use.
func (s *Store) Refresh(ctx context.Context, name string, digest v1.Hash) (bool, error) {
	names := Names(name)
	now, err := s.standFor(ctx, names)
	if err != nil {
		return false, s.failed(ctx, "write to", err)
	}
	for _, m := range now {
		if m.desc.Digest != digest {
			return false, nil
		}
	}
	if s.config.Refresh == 0 {
		return true, nil
	}
	err = s.care(ctx, now[0].raw)
	for i, m := range now {
		if err == nil {
			err = s.touch(ctx, s.manifestKey(names[i]), m.info)
		}
	}
	if err != nil {
		return false, s.failed(ctx, "write to", err)
	}
	return true, nil
}

// maxCares is how many objects are looked at at the same time.
const maxCares = 8

// care fails if a blob of a manifest is not there, which a rule by which objects
// expire may have removed, and touches those that are getting old.
func (s *Store) care(ctx context.Context, raw []byte) error {
	blobs, err := blobsOf(raw)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxCares)
	for _, blob := range blobs {
		group.Go(func() error {
			key := s.blobKey(blob)
			info, err := s.config.Service.Head(ctx, key)
			if err != nil {
				return fmt.Errorf("blob %s: %w", blob, err)
			}
			return s.touch(ctx, key, info)
		})
	}
	return group.Wait()
}

// touch makes an object younger that is getting old.
func (s *Store) touch(ctx context.Context, key string, info Info) error {
	if s.config.Refresh == 0 || time.Since(info.Modified) < s.config.Refresh || s.untouchable.Load() {
		return nil
	}
	err := s.config.Service.Copy(web.WithWork(ctx, info.Size), key, key, info)
	switch {
	case errors.Is(err, layers.ErrDenied):
		// Who may only read can still use what is there.
		s.untouchable.Store(true)
		return nil
	case err != nil && unmet(err) && !missing(err):
		return nil // another build has touched it
	case err != nil:
		return fmt.Errorf("touch: %w", err)
	}
	after, err := s.config.Service.Head(ctx, key)
	if err == nil && !after.Modified.After(info.Modified) {
		// No rule can work by times that do not move.
		s.untouchable.Store(true)
	}
	return err
}

// blobsOf lists the blobs that a manifest needs, each once.
func blobsOf(raw []byte) ([]v1.Hash, error) {
	var parsed v1.Manifest
	if err := bounds.JSON(raw, &parsed); err != nil {
		return nil, err
	}
	seen := map[v1.Hash]bool{}
	var all []v1.Hash
	for _, blob := range append(parsed.Layers, parsed.Config) {
		if !seen[blob.Digest] && blob.Digest != (v1.Hash{}) {
			seen[blob.Digest] = true
			all = append(all, blob.Digest)
		}
	}
	return all, nil
}
