package phases

import (
	"context"
	"errors"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers/kinds"
)

// say tells the user what is waited for.
func (j *job) say(line string) { j.log.Info(line) }

// begin returns a context for using a cache, which ends when that has made the
// build wait too long: context.Cause says so. Caches on one server share what they
// may wait: a server that is dead is dead for all of them.
func (j *job) begin(ctx context.Context, at kinds.Location, rule web.Rule) (inner context.Context, stop func()) {
	key := at.Server()
	b := j.budgets[key]
	if b == nil {
		b = web.NewBudget(rule, "cache "+at.String(), j.say)
		j.budgets[key] = b
	}
	return web.Begin(ctx, b)
}

// unreachable is why a cache is not asked at all, nil if it is.
func (j *job) unreachable(at kinds.Location) error {
	if why := j.Unreachable[at.Host()]; why != "" && at.Host() != "" {
		return &web.GaveUp{Cause: errors.New(why)}
	}
	return nil
}
