package phases

import (
	"context"
	"errors"
	"fmt"

	"github.com/buildpacks/lifecycle/buildpack"
	lifecycleplatform "github.com/buildpacks/lifecycle/platform"

	"github.com/pack-cache/pack-cache/layers"
)

// ImportOutcome says what became of one place that a cache was looked for in.
type ImportOutcome struct {
	From string `json:"from"`
	// Digest is the snapshot's manifest digest, "" if none was read.
	Digest string `json:"digest,omitempty"`
	// Missing is set when there is nothing yet, which is no failure.
	Missing bool `json:"missing,omitempty"`
	// Reason says why nothing was read.
	Reason string `json:"reason,omitempty"`
}

// imported is the snapshots that a build may restore from, in the order of the
// user's wish.
type imported struct {
	snapshots []*layers.Snapshot
	outcomes  []ImportOutcome
}

// loadImports opens every location. One that cannot be read is left out and
// said so, because a cache never breaks a build.
func (j *job) loadImports(ctx context.Context, locations []Location, target layers.Target) imported {
	var found imported
	for _, at := range locations {
		outcome := ImportOutcome{From: at.String()}
		snapshot, err := j.load(ctx, at, target)
		switch {
		case errors.Is(err, layers.ErrNotFound):
			outcome.Missing = true
			outcome.Reason = "nothing is kept there yet"
		case err != nil:
			outcome.Reason = err.Error()
		default:
			outcome.Digest = snapshot.Digest().String()
			found.snapshots = append(found.snapshots, snapshot)
		}
		found.outcomes = append(found.outcomes, outcome)
	}
	return found
}

func (j *job) load(ctx context.Context, at Location, target layers.Target) (*layers.Snapshot, error) {
	store, name, err := j.open(ctx, at)
	if err != nil {
		return nil, err
	}
	snapshot, err := layers.Load(ctx, store, name)
	if err != nil {
		return nil, err
	}
	if ok, reason := snapshot.Target().Compatible(target); !ok {
		return nil, fmt.Errorf("it was made for another target: %s", reason)
	}
	return snapshot, nil
}

// metadata merges what the snapshots hold: a layer comes from the first
// snapshot that has it.
func (in imported) metadata() lifecycleplatform.CacheMetadata {
	var merged lifecycleplatform.CacheMetadata
	index := map[string]int{}
	for _, snapshot := range in.snapshots {
		md := snapshot.Metadata()
		if merged.BOM.SHA == "" {
			merged.BOM = md.BOM
		}
		for _, bp := range md.Buildpacks {
			at, ok := index[bp.ID]
			if !ok {
				at = len(merged.Buildpacks)
				index[bp.ID] = at
				merged.Buildpacks = append(merged.Buildpacks, buildpack.LayersMetadata{
					ID: bp.ID, Version: bp.Version, Layers: map[string]buildpack.LayerMetadata{},
				})
			}
			for name, layer := range bp.Layers {
				if _, taken := merged.Buildpacks[at].Layers[name]; !taken {
					merged.Buildpacks[at].Layers[name] = layer
				}
			}
		}
	}
	return merged
}

// holding returns the first snapshot that has the blob of a layer.
func (in imported) holding(diffID string) *layers.Snapshot {
	for _, snapshot := range in.snapshots {
		if _, ok := snapshot.Blob(diffID); ok {
			return snapshot
		}
	}
	return nil
}
