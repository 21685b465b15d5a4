package platform

import (
	"context"
	"errors"
	"fmt"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// died tells whether a phase of pack-cache's own came to an end without saying why:
// killed, out of memory, or by a fault of the program.
func died(ctx context.Context, err error) bool {
	_, exited := errors.AsType[*lifecycle.ExitError](err)
	_, said := errors.AsType[*phases.Error](err)
	return exited && !said && ctx.Err() == nil
}

// killedBy is the signal that an exit code stands for, 0 for none.
func killedBy(err error) int {
	if exit, ok := errors.AsType[*lifecycle.ExitError](err); ok && exit.Code > 128 && exit.Code < 128+65 {
		return exit.Code - 128
	}
	return 0
}

// deathOf says how a phase has died, and what the user can do about it.
func deathOf(phase lifecycle.Name, err error) (reason, advice string) {
	if signal := killedBy(err); signal == 9 {
		return fmt.Sprintf("the %s phase was killed", phase), "if the machine ran out of memory, give it more, or build with --on-disk"
	} else if signal != 0 {
		return fmt.Sprintf("the %s phase was ended by signal %d", phase, signal), ""
	}
	return fmt.Sprintf("the %s phase ended without a result: %v", phase, err), ""
}

// restoreNothing runs restore again after it has died: without a cache, and over
// nothing of what the first one has left.
func (b *build) restoreNothing(ctx context.Context, death error) (phases.RestoreOutput, error) {
	reason, advice := deathOf(lifecycle.Restore, death)
	var lost []phases.ImportOutcome
	for _, at := range b.imports {
		lost = append(lost, phases.ImportOutcome{From: at.String(), Reason: reason, Advice: advice})
	}
	out := phases.RestoreOutput{Imports: lost}
	if err := cacheNotRead(out, b.CacheRequired); err != nil {
		return out, err
	}
	b.Progress.Warn(reason + ": the build goes on without a cache")
	out = phases.RestoreOutput{}
	err := own(ctx, b, lifecycle.Restore, b.restoreScope(), phases.RestoreInput{
		Target: b.target(), SkipLayers: true, Again: true, Known: b.known,
	}, &out, func(call *phases.Call) { call.Detected = b.detected })
	out.Imports = lost
	return out, err
}

// exportApp exports the app image alone after the export phase has died: saving a
// cache must not cost the image. That the image may have been published already
// does not matter, it becomes the same one.
func (b *build) exportApp(ctx context.Context, in phases.ExportInput, death error) (phases.ExportOutput, error) {
	if len(in.Exports) == 0 {
		return phases.ExportOutput{}, death
	}
	out := phases.ExportOutput{}
	reason, advice := deathOf(lifecycle.Export, death)
	if in.Image != "" {
		b.Progress.Warn(reason + ": the app image is exported again, without saving the cache")
		in.AppOnly = true
		if err := own(ctx, b, lifecycle.Export, b.exportScope(), in, &out, b.using(in.Imports, in.Exports), b.publishing); err != nil {
			return out, err
		}
	}
	for _, at := range in.Exports {
		out.Caches = append(out.Caches, phases.SaveOutcome{To: at.String(), Required: at.Required, Failed: reason, Advice: advice})
	}
	return out, nil
}
