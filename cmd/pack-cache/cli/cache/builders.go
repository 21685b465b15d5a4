package cache

import (
	"context"
	"fmt"
	"time"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/units"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// prunedBuilders is the result as JSON.
type prunedBuilders struct {
	DryRun bool  `json:"dry_run"`
	Freed  int64 `json:"freed_bytes"`
}

// pruneBuilders removes unpacked builders that nobody has used for a while.
func (o *PruneOptions) pruneBuilders(ctx context.Context) error {
	if o.Keep != -1 {
		return hint.Usagef("give --older-than", "--keep is for caches, not for builders")
	}
	if o.Older == "" {
		return hint.Usagef("say how long a builder must not have been used, as in --older-than 30d; 0s is all that no build is using",
			"--builders without --older-than")
	}
	age, err := duration("--older-than", o.Older)
	if err != nil {
		return err
	}
	result := prunedBuilders{DryRun: o.DryRun}
	for _, engine := range o.Engines {
		pruner, ok := engine.(lifecycle.Pruner)
		if !ok {
			continue
		}
		freed, err := pruner.Prune(ctx, time.Now().Add(-age), o.DryRun)
		if err != nil {
			return fmt.Errorf("builders of engine %s: %w", engine.Traits().Name, err)
		}
		result.Freed += freed
	}
	if o.output == "json" {
		return o.json(result)
	}
	verb := "removed"
	if o.DryRun {
		verb = "would be removed"
	}
	_, err = fmt.Fprintf(o.Streams.Out, "unpacked builders %s, %s\n", verb, units.Size(result.Freed))
	return err
}
