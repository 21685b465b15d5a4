package platform

import (
	"context"

	"github.com/buildpacks/lifecycle/buildpack"
	"github.com/buildpacks/lifecycle/platform/files"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// restoring is a restore phase that has been started.
type restoring struct {
	// detected is closed when the group is known and the phase can go on.
	detected chan struct{}
	// ended is closed when the phase has ended; out and err are set then.
	ended  chan struct{}
	out    phases.RestoreOutput
	err    error
	cancel context.CancelFunc
}

// beginRestore starts the restore phase. Where it can fetch layers before it is
// known which are wanted (lifecycle.Traits.Early), that is the first thing of all.
func (b *build) beginRestore(ctx context.Context) *restoring {
	ctx, cancel := context.WithCancel(ctx)
	r := &restoring{detected: make(chan struct{}), ended: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(r.ended)
		r.err = own(ctx, b, lifecycle.Restore, b.restoreScope(), phases.RestoreInput{
			Imports:    b.imports,
			Target:     b.target(),
			SkipLayers: b.ClearCache,
			KeepFrames: b.place.Facts().InMemory,
			Early:      b.traits.Early,
			Known:      b.known,
		}, &r.out, b.using(b.imports, nil), func(call *phases.Call) {
			call.Detected = func(ctx context.Context) (phases.Detected, error) {
				select {
				case <-r.detected:
					return b.detected(ctx)
				case <-ctx.Done():
					return phases.Detected{}, ctx.Err()
				}
			}
		})
	}()
	return r
}

// detected is what restore is told when the buildpacks have been detected.
func (b *build) detected(context.Context) (phases.Detected, error) {
	analyzed := b.analyzed
	if b.ClearCache {
		analyzed.LayersMetadata = b.stores(analyzed.LayersMetadata)
	}
	return phases.Detected{Analyzed: analyzed, RunImage: b.extensions.newRunImage()}, nil
}

// stores is what --clear-cache leaves of the previous image's layers: what
// buildpacks have in store.toml, from Platform API 0.10 on (CNB Platform
// specification, "restorer").
func (b *build) stores(previous files.LayersMetadata) files.LayersMetadata {
	var kept files.LayersMetadata
	if !b.speaks("0.10") {
		return kept
	}
	for _, bp := range previous.Buildpacks {
		kept.Buildpacks = append(kept.Buildpacks, buildpack.LayersMetadata{ID: bp.ID, Version: bp.Version, Store: bp.Store})
	}
	return kept
}

// finish lets the phase go on, and waits for its end.
func (r *restoring) finish() (phases.RestoreOutput, error) {
	close(r.detected)
	<-r.ended
	return r.out, r.err
}

// stop ends the phase, if it has not ended.
func (r *restoring) stop() {
	r.cancel()
	<-r.ended
}
