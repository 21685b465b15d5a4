package sandbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pack-cache/pack-cache/builder/unpack"
)

// pruning is what is to be removed from a store.
type pruning struct {
	Store       string    `json:"store"`
	Identity    identity  `json:"identity"`
	UnusedSince time.Time `json:"unused_since"`
	DryRun      bool      `json:"dry_run"`
}

// do prunes the store.
func (o *pruning) do(ctx context.Context, options unpack.Options) (freed int64, err error) {
	store, err := unpack.Open(o.Store, options)
	if err != nil {
		return 0, err
	}
	if o.DryRun {
		freed, err = store.Unused(ctx, o.UnusedSince)
	} else {
		freed, err = store.Prune(ctx, o.UnusedSince)
	}
	return freed, errors.Join(err, store.Close())
}

// Prune implements lifecycle.Pruner. For an ordinary user with subordinate ids, a
// helper in their namespace does it, because what is in images belongs to those.
func (e *Engine) Prune(ctx context.Context, unusedSince time.Time, dryRun bool) (int64, error) {
	h, err := e.ready(ctx)
	if err != nil {
		return 0, err
	}
	if !dryRun {
		h.removeAbandoned(ctx, h.work, probeUser)
		h.sweepProbes(ctx, probeUser)
	}
	order := &pruning{Store: h.stores.writable(), Identity: h.identity, UnusedSince: unusedSince, DryRun: dryRun}
	if !h.identity.userNS() {
		return order.do(ctx, unpack.Options{})
	}
	var stderr strings.Builder
	p, err := h.start(h.identity, starting{kind: helperProcess, user: probeUser, stderr: &stderr})
	if err != nil {
		return 0, err
	}
	defer p.kill()
	stop := context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })
	defer stop()
	freed, err := askToPrune(p.control, order)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if text := strings.TrimSpace(stderr.String()); err != nil && text != "" {
		err = fmt.Errorf("%w: %s", err, text)
	}
	return freed, err
}

func askToPrune(c *control, order *pruning) (int64, error) {
	if err := c.Send(message{Job: &job{Kind: jobPrune, Prune: order}}, nil); err != nil {
		return 0, fmt.Errorf("helper: %w", err)
	}
	m, _, err := c.Receive()
	switch {
	case err != nil:
		return 0, fmt.Errorf("helper: %w", err)
	case m.Failure != nil:
		return 0, m.Failure
	case m.Result == nil:
		return 0, errors.New("helper gave no result")
	}
	return m.Result.Freed, nil
}
