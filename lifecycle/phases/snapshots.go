package phases

import (
	"context"
	"errors"
	"fmt"

	"github.com/buildpacks/lifecycle/buildpack"
	lifecycleplatform "github.com/buildpacks/lifecycle/platform"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
)

// ImportOutcome says what became of one place that a cache was looked for in.
type ImportOutcome struct {
	From string `json:"from"`
	// Digest is the snapshot's manifest digest, "" if none was read.
	Digest string `json:"digest,omitempty"`
	// Missing is set when there is nothing for this build yet, which is no
	// failure.
	Missing bool `json:"missing,omitempty"`
	// Denied is set when it may not be read.
	Denied bool `json:"denied,omitempty"`
	// GaveUp is set when it was waited for in vain.
	GaveUp bool `json:"gave_up,omitempty"`
	// Reason says why nothing was read or, if there is a Digest, not all of it;
	// Advice what can be done about it.
	Reason string `json:"reason,omitempty"`
	Advice string `json:"advice,omitempty"`
}

// imported is the snapshots that a build may restore from, in the order of the
// user's wish.
type imported struct {
	sources  []source
	outcomes []ImportOutcome
}

// source is a snapshot to restore from.
type source struct {
	*layers.Snapshot
	ctx   context.Context // ends with the import's timeout
	close context.CancelFunc
	// outcome is its place among the outcomes.
	outcome int
}

// loadImports opens every import, in their order. One that cannot be read is
// left out and said so, because a cache never breaks a build. The caller closes
// what was imported.
func (j *job) loadImports(ctx context.Context, imports []kinds.Import, target layers.Target) imported {
	var found imported
	for _, at := range imports {
		outcome := ImportOutcome{From: at.String()}
		timed, cancel := deadline(ctx, at.Timeout)
		inner, stop := j.begin(timed, at.Location, at.Rule)
		snapshot, err := j.load(inner, at.Location, target)
		switch err = late(ctx, inner, err); {
		case errors.Is(err, layers.ErrNotFound):
			outcome.Missing = true
			outcome.Reason = "nothing is kept there yet"
			if why := missing(err); why != "" {
				outcome.Reason, outcome.Advice = why, hint.Of(err)
			}
		case errors.Is(err, errOtherTarget):
			outcome.Missing = true
			outcome.Reason = err.Error()
		case err != nil:
			outcome.Reason, outcome.Advice = err.Error(), hint.Of(err)
			outcome.Denied = errors.Is(err, layers.ErrDenied)
			outcome.GaveUp = errors.Is(err, web.ErrGaveUp)
		default:
			outcome.Digest = snapshot.Digest().String()
			if _, dropped := usable(snapshot.Metadata().Buildpacks); len(dropped) > 0 {
				outcome.Reason = "it names layers that cannot be restored: " + few(dropped)
			}
			if missing := snapshot.Incomplete(); missing != nil {
				outcome.Reason, outcome.Advice = missing.Error(), hint.Of(missing)
			}
			found.sources = append(found.sources, source{snapshot, inner, func() { stop(); cancel() }, len(found.outcomes)})
		}
		if err != nil {
			stop()
			cancel()
		}
		found.outcomes = append(found.outcomes, outcome)
	}
	return found
}

// conclude notes which imports were given up after they had been loaded.
func (in imported) conclude() {
	for _, from := range in.sources {
		if cause := context.Cause(from.ctx); errors.Is(cause, web.ErrGaveUp) {
			at := &in.outcomes[from.outcome]
			at.GaveUp, at.Reason = true, cause.Error()
		}
	}
}

// missing is why there cannot be anything at all, "" if that is not so.
func missing(err error) string {
	var why interface{ Missing() string }
	if errors.As(err, &why) {
		return why.Missing()
	}
	return ""
}

// Close ends the time that there was for reading.
func (in imported) Close() {
	for _, from := range in.sources {
		from.close()
	}
}

// snapshots are those that were loaded, in their order.
func (in imported) snapshots() []*layers.Snapshot {
	var all []*layers.Snapshot
	for _, from := range in.sources {
		all = append(all, from.Snapshot)
	}
	return all
}

func (j *job) load(ctx context.Context, at kinds.Location, target layers.Target) (*layers.Snapshot, error) {
	if err := j.unreachable(at); err != nil {
		return nil, err
	}
	store, err := j.open(ctx, at)
	if err != nil {
		return nil, err
	}
	snapshot, err := at.Known.LoadImport(ctx, store, at.Facts().Snapshot)
	if err != nil {
		return nil, asForeign(err)
	}
	if ok, reason := snapshot.Target().Compatible(target); !ok {
		return nil, fmt.Errorf("%w: it was %s", errOtherTarget, reason)
	}
	return snapshot, nil
}

// errOtherTarget says that there is nothing for a build like this one, which is
// no more of a failure than if there were nothing at all.
var errOtherTarget = errors.New("what is kept there is for another target")

func asForeign(err error) error {
	if !errors.Is(err, layers.ErrForeign) {
		return err
	}
	if found, ok := errors.AsType[*layers.ForeignError](err); ok && found.Unmarked {
		return hint.With("choose another reference for the cache, or publish the app image with --export-cache type=inline", err)
	}
	return hint.With("choose another reference for the cache, or replace what is there with --clear-cache", err)
}

// metadata merges what the snapshots hold for builds: a layer comes from the
// first snapshot that has it. Layers that are kept without the flag cache=true
// are not for builds.
func (in imported) metadata() lifecycleplatform.CacheMetadata {
	var merged lifecycleplatform.CacheMetadata
	index := map[string]int{}
	for _, snapshot := range in.sources {
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
				if _, taken := merged.Buildpacks[at].Layers[name]; !taken && layer.Cache {
					merged.Buildpacks[at].Layers[name] = layer
				}
			}
		}
	}
	merged.Buildpacks, _ = usable(merged.Buildpacks)
	return merged
}

// holding returns the snapshots that have the content of a layer, in order.
func (in imported) holding(diffID string) []source {
	var all []source
	for _, from := range in.sources {
		if _, ok := from.Layer(diffID); ok {
			all = append(all, from)
		}
	}
	return all
}
