package phases

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/buildpacks/lifecycle/buildpack"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
)

// SaveOutcome says what became of one place that the cache was saved to.
type SaveOutcome struct {
	To string `json:"to"`
	// Digest is the manifest digest of the snapshot that is there now.
	Digest string `json:"digest,omitempty"`
	// Failed says why nothing was saved, "" if it was.
	Failed string `json:"failed,omitempty"`
	// Replaced says what was damaged there before, "" if nothing was.
	Replaced string `json:"replaced,omitempty"`
	// Required is set when that is a failure of the build.
	Required bool         `json:"required,omitempty"`
	Advice   string       `json:"advice,omitempty"`
	Changed  bool         `json:"changed"`
	Sent     int64        `json:"sent_bytes"`
	Seconds  float64      `json:"seconds"`
	Layers   []LayerSaved `json:"layers,omitempty"`
}

// LayerSaved is what became of one layer when the cache was saved.
type LayerSaved struct {
	Layer string `json:"layer"`
	// Status is reused, updated, added, kept, removed or failed.
	Status string `json:"status"`
	// LaunchOnly is set for a layer that is kept although no build restores it.
	LaunchOnly bool    `json:"launch_only,omitempty"`
	Reason     string  `json:"reason,omitempty"`
	Size       int64   `json:"size_bytes"`
	Sent       int64   `json:"sent_bytes"`
	Seconds    float64 `json:"seconds"`
}

// saveCaches saves the group's cached layers to every export. A cache that
// cannot be saved is an outcome, not an error; the only error is ctx's. Before a
// cache is replaced, published is waited for, which returns the digest of the app
// image.
func (j *job) saveCaches(ctx context.Context, group buildpack.Group, in ExportInput, published func(context.Context) (string, error)) ([]SaveOutcome, error) {
	if len(in.Exports) == 0 || in.AppOnly {
		return nil, nil
	}
	imports := j.loadImports(ctx, in.Imports, in.Target)
	defer imports.Close()
	made, err := j.madeLayers(group, in.Analyzed.LayersMetadata)
	now := time.Now()
	var outcomes []SaveOutcome
	for _, at := range in.Exports {
		outcome := SaveOutcome{To: at.String(), Required: at.Required}
		report, saveErr, replaced := (*layers.SaveReport)(nil), err, ""
		if err == nil {
			s := &save{job: j, at: at, in: in, made: made, imports: imports.snapshots(), created: now, published: published}
			report, saveErr = s.run(ctx)
			replaced = s.replaced
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		outcome.fill(report, saveErr, made)
		outcome.Replaced = replaced
		outcomes = append(outcomes, outcome)
	}
	return outcomes, nil
}

// save saves the cache to one place.
type save struct {
	*job
	at      kinds.Export
	in      ExportInput
	made    made
	imports []*layers.Snapshot
	created time.Time
	// published waits for the app image; that time is not counted.
	published func(context.Context) (string, error)
	// replaced says what was damaged and is not any more, "" if nothing was.
	replaced string
}

func (s *save) run(ctx context.Context) (*layers.SaveReport, error) {
	if err := s.unreachable(s.at.Location); err != nil {
		return nil, err
	}
	timed, pause, cancel := pausable(ctx, s.at.Timeout)
	defer cancel()
	inner, stop := s.begin(timed, s.at.Location, s.at.Rule)
	defer stop()
	published := s.published
	s.published = func(context.Context) (digest string, err error) {
		err = pause(func(ctx context.Context) error {
			digest, err = published(ctx)
			return err
		})
		return digest, err
	}
	store, err := s.open(inner, s.at.Location)
	if err != nil {
		return nil, late(ctx, inner, err)
	}
	var report *layers.SaveReport
	if s.at.Inline {
		report, err = s.inline(inner, store)
	} else {
		report, err = s.whole(inner, store)
	}
	return report, late(ctx, inner, err)
}

// whole saves all layers.
func (s *save) whole(ctx context.Context, store layers.Store) (report *layers.SaveReport, err error) {
	request := s.request()
	request.Store, request.Name = store, s.at.Facts().Snapshot
	request.Layers, request.LaunchLayers = s.made.forCache(s.at.Max), s.at.Max
	request.Created = s.created
	request.Ready = func(ctx context.Context) error {
		_, err := s.published(ctx)
		return err
	}
	damaged, err := s.startFrom(ctx, &request)
	if err != nil {
		return nil, err
	}
	if report, err = layers.Save(ctx, request); err == nil && damaged != nil {
		s.replaced = damaged.What
	}
	return report, err
}

// request is what is the same wherever layers are saved.
func (s *save) request() layers.SaveRequest {
	return layers.SaveRequest{
		Imports:   s.imports,
		Group:     s.made.group,
		Overwrite: s.in.ClearCache,
		Built: layers.Built{
			LayersDir: s.Paths.Layers, StateDir: s.Paths.State,
			UID: s.Owner.UID, GID: s.Owner.GID, Parent: s.nameParent,
		},
		SBOM:        existingDir(s.Paths.Layers, cacheSBOM),
		Target:      s.in.Target,
		Compression: s.at.Compression, ForceCompression: s.at.ForceCompression,
		DockerMediaTypes: s.at.DockerMediaTypes,
	}
}

// startFrom sets what the save starts from. With ClearCache, and where the
// snapshot is for another target or damaged, that is only the digest of what will
// be replaced. What is not a cache is never replaced unasked. It returns what is
// damaged, nil if nothing is.
func (s *save) startFrom(ctx context.Context, request *layers.SaveRequest) (*layers.DamagedError, error) {
	snapshot, err := s.at.Known.Load(ctx, request.Store, request.Name)
	err = asForeign(err)
	damaged := layers.AsDamaged(err)
	foreign, _ := errors.AsType[*layers.ForeignError](err)
	switch {
	case damaged != nil:
		request.PreviousDigest = damaged.Digest
		request.Broken = append(request.Broken, damaged.Blob)
		return damaged, nil
	case errors.Is(err, layers.ErrNotFound):
		return nil, nil
	case foreign != nil && s.in.ClearCache:
		request.PreviousDigest = foreign.Digest
		return nil, nil
	case errors.Is(err, layers.ErrForeign):
		return nil, fmt.Errorf("it was not replaced: %w", err)
	case err != nil && s.in.ClearCache:
		descriptor, _, err := request.Store.Resolve(ctx, request.Name)
		request.PreviousDigest = descriptor.Digest
		return nil, err
	case err != nil:
		return nil, err
	}
	request.PreviousDigest = snapshot.Digest()
	if ok, _ := snapshot.Target().Compatible(s.in.Target); ok && !s.in.ClearCache {
		request.Previous = snapshot
	}
	return nil, nil
}

func (o *SaveOutcome) fill(report *layers.SaveReport, err error, of made) {
	if err != nil {
		o.Failed, o.Advice = err.Error(), hint.Of(err)
		return
	}
	o.Digest, o.Changed, o.Sent, o.Seconds = report.Digest.String(), report.Changed, report.Sent, report.Duration.Seconds()
	for _, l := range report.Layers {
		o.Layers = append(o.Layers, LayerSaved{
			Layer: l.ID.String(), Status: string(l.Status), Reason: l.Reason, LaunchOnly: of.isLaunchOnly(l.ID),
			Size: l.Size, Sent: l.Sent, Seconds: l.Duration.Round(time.Millisecond).Seconds(),
		})
	}
}

func existingDir(parent, dir string) string {
	if _, err := os.Stat(filepath.Join(parent, dir)); err != nil {
		return ""
	}
	return dir
}
