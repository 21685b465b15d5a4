package docker

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"strconv"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/base"
	"github.com/pack-cache/pack-cache/lifecycle/docker/inside"
)

// Label is on everything that the engine makes; its value is the place's id.
const Label = "io.buildpacks.pack-cache"

// namePrefix begins the names of containers and volumes.
const namePrefix = "pack-cache-"

// place is the containers, volumes and images of one build.
type place struct {
	*base.Place
	daemon *daemon
	id     string
	user   lifecycle.User
	image  string // the own image, without a phase's certificates
	// hostUserns is PlaceSpec.HostUserns.
	hostUserns bool
	attendant  *running
	report     progress.Reporter

	made    atomic.Int64 // how many things have been given a name
	builder builderRoot
	// extended is what image extensions have made of the builder, if anything.
	extended builderRoot
	parts    parts
}

var _ lifecycle.Place = (*place)(nil)

// Open implements lifecycle.Engine.
func (e *Engine) Open(ctx context.Context, spec lifecycle.PlaceSpec) (lifecycle.Place, error) {
	d, err := e.ready(ctx)
	if err != nil {
		return nil, err
	}
	if err := spec.User.Check(); err != nil {
		return nil, err
	}
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	p := &place{
		daemon: d, id: hex.EncodeToString(id), user: spec.User, report: spec.Progress,
		hostUserns: spec.HostUserns,
	}
	p.Place = base.New(p)
	if p.report == nil {
		p.report = e.config.Progress
	}
	if err := p.fill(ctx, spec); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, errors.Join(err, p.Close())
	}
	for _, phase := range spec.Prepare {
		go p.prepare(ctx, phase)
	}
	return p, nil
}

// fill has the daemon take the builder, and makes the volumes.
func (p *place) fill(ctx context.Context, spec lifecycle.PlaceSpec) error {
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error {
		id, err := p.daemon.builderImage(ctx, spec.Builder, p.report)
		p.builder.set(id)
		return step(err, "builder")
	})
	all.Go(func() error {
		p.daemon.removeOld(ctx, p.report)
		var err error
		if p.image, err = p.daemon.ownImage(ctx, nil); err != nil {
			return err
		}
		if err := p.makeVolumes(ctx, spec.Volumes); err != nil {
			return err
		}
		return step(p.startAttendant(ctx), "making volumes")
	})
	return all.Wait()
}

// Run implements lifecycle.Place.
func (p *place) Run(ctx context.Context, phase lifecycle.Phase, streams lifecycle.Streams) error {
	return p.Do(ctx, "phase "+string(phase.Name), func(ctx context.Context) error {
		if err := errors.Join(phase.CheckForDaemon(p.Volumes), phase.CheckHidden()); err != nil {
			return err
		}
		return p.run(ctx, phase, streams)
	})
}

// prepare copies what a phase mounts of the builder.
func (p *place) prepare(ctx context.Context, phase lifecycle.Phase) {
	err := p.Do(ctx, "preparing phase "+string(phase.Name), func(ctx context.Context) error { return p.copyParts(ctx, phase) })
	if err != nil {
		p.report.Debug(err.Error()) // the phase itself finds out
	}
}

// Facts implements lifecycle.Place.
func (p *place) Facts() lifecycle.PlaceFacts {
	return lifecycle.PlaceFacts{Room: "make room where the daemon keeps its images and volumes, as with `docker system prune`"}
}

// OpenFile implements base.Work.
func (p *place) OpenFile(ctx context.Context, volume, path string) (io.ReadCloser, error) {
	return p.open(ctx, &inside.Export{Volume: volume, Path: path})
}

// Advise implements base.Work: nothing is known of the daemon's disk.
func (p *place) Advise(err error) error { return err }

// Close implements lifecycle.Place.
func (p *place) Close() error {
	return p.Shut(func() error {
		if p.attendant != nil {
			p.attendant.abandon()
		}
		return step(p.removeAll(), "removing what the build made in the docker daemon")
	})
}

// name gives something a name that nothing else has.
func (p *place) name(what string) string {
	return namePrefix + p.id + "-" + what + "-" + strconv.FormatInt(p.made.Add(1), 10)
}

// labels mark something as the place's.
func (p *place) labels() map[string]string { return map[string]string{Label: p.id} }
