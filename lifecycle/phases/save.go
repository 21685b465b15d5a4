package phases

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/buildpacks/lifecycle/buildpack"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// SaveOutcome says what became of one place that the cache was saved to.
type SaveOutcome struct {
	To string `json:"to"`
	// Digest is the manifest digest of the snapshot that is there now.
	Digest string `json:"digest,omitempty"`
	// Failed says why nothing was saved, "" if it was.
	Failed  string       `json:"failed,omitempty"`
	Advice  string       `json:"advice,omitempty"`
	Changed bool         `json:"changed"`
	Sent    int64        `json:"sent_bytes"`
	Seconds float64      `json:"seconds"`
	Layers  []LayerSaved `json:"layers,omitempty"`
}

// LayerSaved is what became of one layer when the cache was saved.
type LayerSaved struct {
	Layer string `json:"layer"`
	// Status is reused, updated, added, kept, removed or failed.
	Status  string  `json:"status"`
	Reason  string  `json:"reason,omitempty"`
	Size    int64   `json:"size_bytes"`
	Sent    int64   `json:"sent_bytes"`
	Seconds float64 `json:"seconds"`
}

// saveCaches saves the group's cached layers to every export. A cache that
// cannot be saved is an outcome, not an error; the only error is ctx's. ready is
// waited for before a cache is replaced.
func (j *job) saveCaches(ctx context.Context, group buildpack.Group, in ExportInput, ready func(context.Context) error) ([]SaveOutcome, error) {
	if len(in.Exports) == 0 {
		return nil, nil
	}
	imports := j.loadImports(ctx, in.Imports, in.Target)
	cached, err := j.cachedLayers(group)
	var outcomes []SaveOutcome
	for _, at := range in.Exports {
		outcome := SaveOutcome{To: at.String()}
		report, saveErr := (*layers.SaveReport)(nil), err
		if err == nil {
			report, saveErr = j.saveTo(ctx, at, group, cached, imports, in, ready)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		outcome.fill(report, saveErr)
		outcomes = append(outcomes, outcome)
	}
	return outcomes, nil
}

func (j *job) saveTo(ctx context.Context, at Location, group buildpack.Group, cached []layers.CachedLayer, imports imported, in ExportInput, ready func(context.Context) error) (*layers.SaveReport, error) {
	store, name, err := j.open(ctx, at)
	if err != nil {
		return nil, err
	}
	request := layers.SaveRequest{
		Store: store, Name: name,
		Imports:   imports.snapshots,
		Overwrite: in.ClearCache, Ready: ready,
		LayersDir: lifecycle.LayersDir, StateDir: lifecycle.StateDir,
		Layers: cached,
		SBOM:   existingDir(lifecycle.LayersDir, sbomDir),
		Target: in.Target,
		UID:    j.User.UID, GID: j.User.GID,
	}
	for _, bp := range group.Group {
		request.Group = append(request.Group, bp.ID)
	}
	request.Previous, request.PreviousDigest, err = j.previous(ctx, store, name, in)
	if err != nil {
		return nil, err
	}
	return layers.Save(ctx, request)
}

// previous returns the snapshot that a save starts from. With ClearCache, and
// where the snapshot is for another target, it only gives the digest of what
// will be replaced. What is not a cache is never replaced unasked.
func (j *job) previous(ctx context.Context, store layers.Store, name string, in ExportInput) (*layers.Snapshot, v1.Hash, error) {
	if in.ClearCache {
		descriptor, _, err := store.Resolve(ctx, name)
		if err != nil && !errors.Is(err, layers.ErrNotFound) {
			return nil, v1.Hash{}, err
		}
		return nil, descriptor.Digest, nil
	}
	snapshot, err := layers.Load(ctx, store, name)
	switch {
	case errors.Is(err, layers.ErrNotFound):
		return nil, v1.Hash{}, nil
	case errors.Is(err, layers.ErrForeign):
		return nil, v1.Hash{}, &foreignError{err}
	case err != nil:
		return nil, v1.Hash{}, err
	}
	if ok, _ := snapshot.Target().Compatible(in.Target); !ok {
		return nil, snapshot.Digest(), nil
	}
	return snapshot, snapshot.Digest(), nil
}

// cachedLayers lists the layers of the group that are flagged cache=true and
// have content.
func (j *job) cachedLayers(group buildpack.Group) ([]layers.CachedLayer, error) {
	var cached []layers.CachedLayer
	for _, bp := range group.Group {
		dir, err := buildpack.ReadLayersDir(lifecycle.LayersDir, bp, j.log)
		if err != nil {
			return nil, err
		}
		for _, layer := range dir.FindLayers(buildpack.MadeCached) {
			if !layer.HasLocalContents() {
				continue
			}
			md, err := layer.Read()
			if err != nil {
				return nil, err
			}
			cached = append(cached, layers.CachedLayer{
				ID:       layers.LayerID{Buildpack: bp.ID, Layer: layer.Name()},
				Version:  bp.Version,
				Metadata: md,
			})
		}
	}
	return cached, nil
}

func (o *SaveOutcome) fill(report *layers.SaveReport, err error) {
	if err != nil {
		o.Failed = err.Error()
		if hinted, ok := errors.AsType[interface {
			error
			Hint() string
		}](err); ok {
			o.Advice = hinted.Hint()
		}
		return
	}
	o.Digest, o.Changed, o.Sent, o.Seconds = report.Digest.String(), report.Changed, report.Sent, report.Duration.Seconds()
	for _, l := range report.Layers {
		o.Layers = append(o.Layers, LayerSaved{
			Layer: l.ID.String(), Status: string(l.Status), Reason: l.Reason,
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

// foreignError says that a cache reference names something else.
type foreignError struct{ err error }

func (e *foreignError) Error() string {
	return "it was not replaced, because it is no cache: " + e.err.Error()
}

func (e *foreignError) Unwrap() error { return e.err }

// Hint tells the way out.
func (e *foreignError) Hint() string {
	return "choose another reference for the cache, or replace what is there with --clear-cache"
}
