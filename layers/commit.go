package layers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/buildpacks/lifecycle/buildpack"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/layers/archive"
	"github.com/pack-cache/pack-cache/layers/blob"
)

const (
	// maxCommits is how often a commit is tried when other builds are faster: of
	// many that save at the same time, one more gets through in each round.
	maxCommits = 60
	// maxLost is how often it is tried when blobs are gone.
	maxLost = 3
	// longestTurn bounds the pause before the next try.
	longestTurn = time.Second
)

// commit makes the name stand for the layers of this build and those to keep.
func (s *saver) commit(ctx context.Context, own []saved) (*SaveReport, error) {
	// base is what layers are kept of, now is what the name stands for.
	base, now, digest := s.usable, s.usable, s.PreviousDigest
	var sent int64
	for attempt := 1; ; attempt++ {
		report, made, err := s.assemble(ctx, base, own)
		if err != nil {
			return nil, err
		}
		report.Sent += sent
		if s.Named != nil && attempt == 1 {
			if s.Name, err = s.Named(ctx); err != nil {
				return nil, err
			}
			if now, digest, err = s.reload(ctx); err != nil {
				return nil, err
			}
			if len(made.layers) == 0 && digest == (v1.Hash{}) {
				return report, nil
			}
		}
		if err := s.fillEmpty(ctx, made, report); err != nil {
			return nil, err
		}
		same, err := s.stays(ctx, now, made)
		switch {
		case err != nil && !errors.Is(err, ErrConflict):
			return nil, err
		case err == nil && same:
			report.Digest = now.digest
			return report, nil
		case err == nil:
			raw, mediaType, n, failed := s.finish(ctx, made)
			if failed != nil {
				return nil, failed
			}
			report.Sent += n
			sent += n
			var committed v1.Descriptor
			if committed, err = s.Store.Commit(ctx, s.Name, string(mediaType), raw, digest); err == nil {
				report.Digest, report.Changed = committed.Digest, true
				report.Sent += int64(len(raw))
				return report, nil
			}
		}
		conflict := errors.Is(err, ErrConflict) && attempt < maxCommits
		gone := errors.Is(err, ErrNotFound) && attempt <= maxLost
		if !conflict && !gone {
			return nil, err
		}
		if base, digest, err = s.again(ctx, attempt, own); err != nil {
			return nil, err
		}
		now = base
	}
}

// again prepares the next attempt, on top of what others have saved meanwhile.
func (s *saver) again(ctx context.Context, attempt int, own []saved) (*Snapshot, v1.Hash, error) {
	if err := s.awaitTurn(ctx, attempt); err != nil {
		return nil, v1.Hash{}, err
	}
	now, digest, err := s.reload(ctx)
	if err == nil {
		err = s.renew(ctx, now, own)
	}
	return now, digest, err
}

// stays reports whether the name stands for all that would be made. What was known
// before is made sure of: to commit what is there changes nothing, and the error wraps
// ErrConflict if it is not there any more.
func (s *saver) stays(ctx context.Context, now *Snapshot, made *contents) (bool, error) {
	if now == nil {
		return false, nil
	}
	same, err := now.says(made)
	if err == nil && same {
		same, err = s.refresh(ctx, now)
	}
	if err == nil && same && now.known {
		_, err = s.Store.Commit(ctx, s.Name, string(now.mediaType), now.raw, now.digest)
	}
	return same, err
}

// finish waits until the name may move, stores the config, and returns the manifest
// and how many bytes of the config were sent.
func (s *saver) finish(ctx context.Context, made *contents) (raw []byte, mediaType types.MediaType, sent int64, err error) {
	if s.Ready != nil {
		if err := s.Ready(ctx); err != nil {
			return nil, "", 0, err
		}
	}
	config, sent, err := made.pushConfig(ctx, s.Store, s.Broken)
	if err != nil {
		return nil, "", 0, err
	}
	raw, mediaType, err = made.manifest(config)
	return raw, mediaType, sent, err
}

// awaitTurn waits a random time, so that builds that have met once do not meet
// again and again.
func (s *saver) awaitTurn(ctx context.Context, attempt int) error {
	longest := min(longestTurn, 20*time.Millisecond<<min(attempt, 10))
	select {
	case <-time.After(rand.N(longest)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// renew stores those layers of this build again whose blobs another build, or
// somebody who cleans up, has removed meanwhile.
func (s *saver) renew(ctx context.Context, now *Snapshot, own []saved) error {
	s.usable, s.contended = now, true
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(4, runtime.GOMAXPROCS(0)))
	for i := range own {
		if own[i].stored.DiffID == "" {
			continue
		}
		group.Go(func() error {
			err := probe(ctx, s.Store, own[i].stored)
			if !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrCorrupt) {
				return err
			}
			sent := own[i].report.Sent
			own[i] = saved{layer: own[i].layer, report: LayerReport{ID: own[i].report.ID, Duration: own[i].report.Duration}}
			err = s.saveLayer(ctx, &own[i])
			own[i].report.Sent += sent
			return err
		})
	}
	return group.Wait()
}

// refresh has the store look after a snapshot that stays, and returns false if it
// has to be committed again.
func (s *saver) refresh(ctx context.Context, base *Snapshot) (bool, error) {
	refresher, ok := s.Store.(Refresher)
	if !ok {
		return true, nil
	}
	return refresher.Refresh(ctx, s.Name, base.digest)
}

// reload finds out what the name stands for after another build has moved it.
func (s *saver) reload(ctx context.Context) (*Snapshot, v1.Hash, error) {
	snapshot, err := Load(ctx, s.Store, s.Name)
	var foreign *ForeignError
	damaged := AsDamaged(err)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, v1.Hash{}, nil
	case damaged != nil:
		s.Broken = append(s.Broken, damaged.Blob)
		return nil, damaged.Digest, nil
	case errors.As(err, &foreign) && s.Overwrite:
		return nil, foreign.Digest, nil
	case err != nil:
		return nil, v1.Hash{}, err
	}
	if ok, _ := snapshot.Target().Compatible(s.Target); !ok || s.Overwrite {
		return nil, snapshot.Digest(), nil
	}
	return snapshot, snapshot.Digest(), nil
}

// assemble puts a new snapshot together from this build's layers and from what
// is to be kept of base.
func (s *saver) assemble(ctx context.Context, base *Snapshot, own []saved) (*SaveReport, *contents, error) {
	made := &contents{target: s.Target, docker: s.DockerMediaTypes, created: s.Created}
	report := &SaveReport{}
	for _, layer := range own {
		report.Layers = append(report.Layers, layer.report)
		report.Sent += layer.report.Sent
		if layer.stored.DiffID == "" {
			continue
		}
		made.add(layer.stored)
		made.describe(layer)
	}
	if base != nil {
		kept, err := s.keep(ctx, base, report)
		if err != nil {
			return nil, nil, err
		}
		for _, layer := range kept {
			report.Layers = append(report.Layers, layer.report)
			report.Sent += layer.report.Sent
			if layer.stored.DiffID != "" {
				made.add(layer.stored)
				made.describe(layer)
			}
		}
	}
	return report, made, nil
}

// fillEmpty gives a snapshot without layers the one that it has to have.
func (s *saver) fillEmpty(ctx context.Context, made *contents, report *SaveReport) error {
	if len(made.layers) > 0 {
		return nil
	}
	empty, sent, err := s.pushEmpty(ctx)
	if err != nil {
		return err
	}
	report.Sent += sent
	made.add(empty)
	return nil
}

// describe enters a layer into the metadata.
func (c *contents) describe(layer saved) {
	if layer.layer.ID == sbomID {
		c.metadata.BOM.SHA = layer.stored.DiffID
		return
	}
	id := layer.layer.ID
	i, ok := c.buildpacks[id.Buildpack]
	if !ok {
		if c.buildpacks == nil {
			c.buildpacks = map[string]int{}
		}
		i = len(c.metadata.Buildpacks)
		c.buildpacks[id.Buildpack] = i
		c.metadata.Buildpacks = append(c.metadata.Buildpacks, buildpack.LayersMetadata{
			ID: id.Buildpack, Version: layer.layer.Version, Layers: map[string]buildpack.LayerMetadata{},
		})
	}
	metadata := layer.layer.Metadata
	metadata.SHA = layer.stored.DiffID
	c.metadata.Buildpacks[i].Layers[id.Layer] = metadata
}

// says reports whether the snapshot is what would be made.
func (s *Snapshot) says(made *contents) (bool, error) {
	if s.target != made.target || len(s.order) != len(made.layers) {
		return false, nil
	}
	for _, layer := range made.layers {
		if known, ok := s.Layer(layer.DiffID); !ok || !slices.Equal(known.Digests(), layer.Digests()) {
			return false, nil
		}
	}
	return sameMetadata(s.metadata, made.metadata)
}

// pushEmpty stores the layer that a cache without layers has, because an image
// without any is not accepted everywhere: an empty archive, which is two blocks
// of zeros.
func (s *saver) pushEmpty(ctx context.Context) (Layer, int64, error) {
	var data bytes.Buffer
	packed, err := s.plain.Pack(ctx, &data, blob.Content{Fill: archive.WriteEnd})
	if err != nil {
		return Layer{}, 0, err
	}
	mediaType, err := s.Compression.Plain().MediaType(s.DockerMediaTypes)
	if err != nil {
		return Layer{}, 0, err
	}
	want := v1.Descriptor{MediaType: mediaType, Digest: blob.DigestOf(data.Bytes()), Size: int64(data.Len())}
	if !s.DockerMediaTypes {
		want.Annotations = packed.Annotations
	}
	sent, err := pushBytes(ctx, s.Store, want, data.Bytes())
	if err != nil {
		return Layer{}, 0, fmt.Errorf("storing the empty layer: %w", err)
	}
	return layerOf(packed.DiffID, want), sent, nil
}
