package docker

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/docker/inside"
)

// Label is on everything that the engine makes; its value is the place's id.
const Label = "io.buildpacks.pack-cache"

// namePrefix begins the names of containers and volumes.
const namePrefix = "pack-cache-"

// errClosed says that a place is no longer there.
var errClosed = errors.New("the place is closed")

// place is the containers, volumes and images of one build.
type place struct {
	daemon  *daemon
	id      string
	user    lifecycle.User
	volumes map[string]bool
	image   string // the own image, without a phase's certificates
	// hostUserns is PlaceSpec.HostUserns.
	hostUserns bool
	attendant  *running
	report     progress.Reporter

	made    atomic.Int64 // how many things have been given a name
	builder builderRoot
	// extended is what image extensions have made of the builder, if anything.
	extended builderRoot
	parts    parts

	mu      sync.Mutex
	closed  bool
	closing chan struct{} // closed by Close
	running sync.WaitGroup
	result  error // of Close
}

var (
	_ lifecycle.Place    = (*place)(nil)
	_ lifecycle.Preparer = (*place)(nil)
)

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
		volumes:    map[string]bool{}, closing: make(chan struct{}),
	}
	if p.report == nil {
		p.report = e.config.Progress
	}
	if err := p.fill(ctx, spec); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, errors.Join(err, p.Close())
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
	if err := p.enter(); err != nil {
		return err
	}
	defer p.running.Done()
	if err := errors.Join(phase.CheckForDaemon(p.volumes), phase.CheckHidden()); err != nil {
		return fmt.Errorf("phase %s: %w", phase.Name, err)
	}
	inner, cancel := p.untilClosed(ctx)
	defer cancel()
	return p.explain(ctx, p.run(inner, phase, streams), "phase "+string(phase.Name))
}

// Prepare implements lifecycle.Preparer: it copies what the phase mounts of the
// builder.
func (p *place) Prepare(ctx context.Context, phase lifecycle.Phase) error {
	if err := p.enter(); err != nil {
		return err
	}
	defer p.running.Done()
	inner, cancel := p.untilClosed(ctx)
	defer cancel()
	return p.explain(ctx, p.copyParts(inner, phase), "preparing phase "+string(phase.Name))
}

// Import implements lifecycle.Place.
func (p *place) Import(ctx context.Context, volume string, archive io.Reader) error {
	if err := p.enter(); err != nil {
		return err
	}
	defer p.running.Done()
	if !p.volumes[volume] {
		return fmt.Errorf("no volume %q", volume)
	}
	inner, cancel := p.untilClosed(ctx)
	defer cancel()
	return p.explain(ctx, p.unpack(inner, volume, archive), fmt.Sprintf("volume %s: import", volume))
}

// Export implements lifecycle.Place.
func (p *place) Export(ctx context.Context, volume, path string) (io.ReadCloser, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.running.Done()
	if !p.volumes[volume] {
		return nil, fmt.Errorf("no volume %q", volume)
	}
	inner, cancel := p.untilClosed(ctx)
	defer cancel()
	file, err := p.open(inner, &inside.Export{Volume: volume, Path: path})
	if err != nil {
		return nil, p.explain(ctx, err, fmt.Sprintf("volume %s: export", volume))
	}
	return file, nil
}

// Close implements lifecycle.Place. It stops what still runs.
func (p *place) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return p.result
	}
	p.closed = true
	close(p.closing)
	p.running.Wait()
	if p.attendant != nil {
		p.attendant.abandon()
	}
	p.result = step(p.removeAll(), "removing what the build made in the docker daemon")
	return p.result
}

// enter counts a caller that Close has to wait for.
func (p *place) enter() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errClosed
	}
	p.running.Add(1)
	return nil
}

// untilClosed returns a context that also ends when the place is closed.
func (p *place) untilClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	inner, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-p.closing:
			cancel()
		case <-inner.Done():
		}
	}()
	return inner, cancel
}

// explain names what failed, and keeps the errors that the contract promises.
func (p *place) explain(ctx context.Context, err error, what string) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return ctx.Err()
	}
	if errors.Is(err, context.Canceled) {
		err = errClosed
	}
	if _, exited := errors.AsType[*lifecycle.ExitError](err); exited {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}

// name gives something a name that nothing else has.
func (p *place) name(what string) string {
	return namePrefix + p.id + "-" + what + "-" + strconv.FormatInt(p.made.Add(1), 10)
}

// labels mark something as the place's.
func (p *place) labels() map[string]string { return map[string]string{Label: p.id} }
