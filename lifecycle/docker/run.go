package docker

import (
	"context"
	"errors"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/docker/inside"
)

// run runs a phase in a container of its own.
func (p *place) run(ctx context.Context, phase lifecycle.Phase, streams lifecycle.Streams) error {
	mounts, err := p.mounts(ctx, phase)
	if err != nil {
		return err
	}
	work := &inside.Phase{Env: phase.Env, Dir: phase.Dir, Input: streams.Stdin != nil}
	v := vessel{user: phase.User, network: phase.Network, mounts: mounts, labels: p.labels(), hostUserns: p.hostUserns}
	runIn := func(image string) error {
		v.name, v.image = p.name(string(phase.Name)), image
		code, err := p.complete(ctx, v, &inside.Order{Phase: work}, streams)
		if err == nil && code != 0 {
			err = &lifecycle.ExitError{Phase: phase.Name, Code: code}
		}
		return explainMounts(err, phase.Mounts)
	}
	if phase.Root == lifecycle.OwnRoot {
		work.Private = true
		work.Exe, work.Args = inside.Own, append([]string{"pack-cache"}, phase.Args...)
		image, err := p.daemon.ownImage(ctx, phase.Env)
		if err != nil {
			return err
		}
		return runIn(image)
	}
	work.Exe, work.Args = phase.Args[0], phase.Args
	targets := targetsOf(mounts)
	for _, t := range targets {
		work.Targets = append(work.Targets, t.path)
	}
	return p.inBuilder(ctx, p.phaseRoot(), targets, runIn)
}

// complete runs a container to its end and returns its exit code.
func (p *place) complete(ctx context.Context, v vessel, order *inside.Order, streams lifecycle.Streams) (int, error) {
	order.Secret = secret()
	r, err := p.daemon.start(ctx, v, order, streams)
	if err != nil {
		return 0, err
	}
	return r.wait(ctx)
}

// inBuilder runs something in a file system of the builder. If that cannot be
// because of what the image has at one of the targets, it is run again in an
// image that has been put in order.
func (p *place) inBuilder(ctx context.Context, root *builderRoot, targets []target, run func(image string) error) error {
	image := root.current()
	err := run(image)
	if err == nil || ctx.Err() != nil {
		return err
	}
	_, notStarted := errors.AsType[*startError](err)
	inner, failed := errors.AsType[*failure](err)
	if !notStarted && !(failed && inner.Misplaced) {
		return err
	}
	repaired, repairErr := p.repair(ctx, root, image, targets)
	if repairErr != nil {
		return errors.Join(err, repairErr)
	}
	return run(repaired)
}
