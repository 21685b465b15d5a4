package layers

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"github.com/buildpacks/lifecycle/buildpack"
	"github.com/buildpacks/lifecycle/launch"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/layers/archive"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// SaveRequest says what Save shall make of what.
type SaveRequest struct {
	Store Store
	Name  string
	// Previous is the snapshot that Name stands for now; nil if there is none
	// or it shall not be used.
	Previous *Snapshot
	// PreviousDigest is the manifest that Name stands for now if Previous is
	// nil although there is something; the zero Hash if there is nothing.
	PreviousDigest v1.Hash
	// Broken are blobs of Store that are known to be damaged. Stores do not
	// replace what has the same digest, so others take their place.
	Broken []v1.Hash
	// Overwrite drops everything that this build did not make, also what
	// another build saves at the same time.
	Overwrite bool
	// Imports are other snapshots whose blobs can be copied instead of
	// archiving again.
	Imports []*Snapshot
	Built
	// Layers are the layers of this build that are to be kept.
	Layers []CachedLayer
	// Group are the IDs of the buildpacks of this build in their order. Layers
	// that Previous has of other buildpacks are kept.
	Group []string
	// LaunchLayers keeps those that are not flagged cache=true, too.
	LaunchLayers bool
	// SBOM is the directory, relative to LayersDir, of the cache's SBOM files;
	// "" for none. It is no error if it does not exist.
	SBOM   string
	Target Target
	// Created is when the snapshot is made, if something changed; the zero time
	// leaves it out.
	Created time.Time
	// Beside are layers of this build that need no place in the snapshot, because
	// the image has them that it belongs to.
	Beside []LayerID
	// Named, if not nil, gives Name where it is known only late: it is called
	// once, when every layer is in the store. A snapshot without any layer is
	// then not begun.
	Named func(context.Context) (string, error)
	// Ready, if not nil, is waited for when every layer is in the store and the
	// name is about to move. Its error ends the save.
	Ready func(context.Context) error
	// Compression is for new blobs. With ForceCompression, blobs in another
	// compression are compressed anew.
	Compression      blob.Compression
	ForceCompression bool
	// DockerMediaTypes writes Docker schema 2 instead of OCI types.
	DockerMediaTypes bool
}

// CachedLayer is a layer to save.
type CachedLayer struct {
	ID LayerID
	// Version is the version of the buildpack.
	Version string
	// Metadata is what the buildpack says of the layer. SHA is ignored. A
	// launch layer is archived exactly as the lifecycle does it. Layers that are
	// not flagged cache=true are in the snapshot, but nobody restores them.
	Metadata buildpack.LayerMetadata
	// Elsewhere is the diffID of a layer that the build did not make again, so
	// that the layers directory does not have it; "" for all others. It is taken
	// from Previous or Imports.
	Elsewhere string
}

// Status is what became of a layer.
type Status string

// The statuses of a layer in a SaveReport.
const (
	// Reused: the layer is as it was, its blob is referred to.
	Reused Status = "reused"
	// Updated: the layer has new content.
	Updated Status = "updated"
	// Added: the previous snapshot did not have the layer.
	Added Status = "added"
	// Kept: the layer's buildpack did not take part in this build.
	Kept Status = "kept"
	// Removed: the previous snapshot had the layer, the new one does not.
	Removed Status = "removed"
	// Absent: the build did not make the layer again, since the app image has it,
	// and no snapshot has it to take it from.
	Absent Status = "absent"
	// Failed: the layer could not be archived and is not in the new snapshot.
	Failed Status = "failed"
)

// SaveReport says what Save did.
type SaveReport struct {
	// Digest is the manifest that the name stands for now.
	Digest v1.Hash
	// Changed is false if the snapshot there said it all already.
	Changed bool
	// Sent counts the bytes that went into the store.
	Sent     int64
	Duration time.Duration
	Layers   []LayerReport
}

// LayerReport says what became of one layer.
type LayerReport struct {
	ID     LayerID
	Status Status
	// Reason is a clause for the user, such as "3 files changed".
	Reason string
	// Size is the size of the layer's blob, Sent how much of it was sent; in
	// bytes.
	Size, Sent int64
	Duration   time.Duration
}

// sbomID is how the lifecycle calls the layer of the cache's SBOM files.
var sbomID = LayerID{Buildpack: "buildpacksio/lifecycle", Layer: "cache.sbom"}

// Save archives what changed and makes req.Name stand for a new snapshot.
//
// A layer that cannot be read is reported as Failed and left out. Any other
// error leaves the old snapshot as it was. If another build saves under the same
// name meanwhile, its layers of buildpacks outside req.Group are kept. If
// nothing changed, nothing is written. Settings that cannot be give an
// *OptionError.
func Save(ctx context.Context, req SaveRequest) (*SaveReport, error) {
	started := time.Now()
	s, err := newSaver(req)
	if err != nil {
		return nil, err
	}
	own, err := s.saveLayers(ctx)
	if err != nil {
		return nil, fmt.Errorf("saving the cache to %s:%s: %w", req.Store, req.Name, err)
	}
	report, err := s.commit(ctx, own)
	if err != nil {
		return nil, fmt.Errorf("saving the cache to %s:%s: %w", req.Store, req.Name, err)
	}
	report.Duration = time.Since(started)
	return report, nil
}

// saver is one run of Save.
type saver struct {
	SaveRequest
	// usable is Previous if its layers fit the target.
	usable *Snapshot
	// contended is set when others change the store, so that what was there need
	// not be there any more.
	contended bool
	// press is for layers, plain for those that keep the diffID of their archive.
	press, plain *blob.Press
}

func newSaver(req SaveRequest) (*saver, error) {
	if _, err := req.Compression.MediaType(req.DockerMediaTypes); err != nil {
		return nil, err
	}
	var err error
	if req.LayersDir, err = filepath.Abs(req.LayersDir); err != nil {
		return nil, err
	}
	for _, layer := range req.Layers {
		if !isPathElement(launch.EscapeID(layer.ID.Buildpack)) || !isPathElement(layer.ID.Layer) {
			return nil, fmt.Errorf("layer %s would not be below the layers directory", layer.ID)
		}
	}
	s := &saver{SaveRequest: req}
	if s.press, err = blob.NewPress(req.Compression); err != nil {
		return nil, err
	}
	if s.plain = s.press; s.press.Codec() == blob.Estargz {
		if s.plain, err = blob.NewPress(req.Compression.Plain()); err != nil {
			return nil, err
		}
	}
	if req.Previous != nil {
		s.PreviousDigest = req.Previous.Digest()
		if ok, _ := req.Previous.Target().Compatible(req.Target); ok && !req.Overwrite {
			s.usable = req.Previous
		}
	}
	return s, nil
}

// saved is a layer of this build after its turn.
type saved struct {
	layer CachedLayer
	// origin is the blob that the layer was restored from, if it is known.
	origin string
	stored Layer // without diffID if the layer failed
	// changed is what the layer was before the build changed it, if that is known.
	changed *archive.Fingerprint
	report  LayerReport
}

// saveLayers archives and pushes what is not in the store yet. The order is
// that of req.Layers; the SBOM, if there is one, comes last.
func (s *saver) saveLayers(ctx context.Context) ([]saved, error) {
	sources := make([]saved, 0, len(s.Layers)+1)
	for _, layer := range s.Layers {
		sources = append(sources, saved{layer: layer})
	}
	if s.hasSBOM() {
		sources = append(sources, saved{layer: CachedLayer{ID: sbomID}})
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(2, runtime.GOMAXPROCS(0)))
	for i := range sources {
		group.Go(func() error {
			started := time.Now()
			err := s.saveLayer(ctx, &sources[i])
			sources[i].report.ID = sources[i].layer.ID
			sources[i].report.Duration = time.Since(started)
			return err
		})
	}
	return sources, group.Wait()
}
