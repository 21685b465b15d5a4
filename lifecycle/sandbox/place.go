package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"

	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/base"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// Directories of a place.
const (
	dirVolumes = "volumes"
	dirPhases  = "phases"
	dirStage   = "stage"
)

// place is a directory with the volumes of one build, and the unpacked builder.
type place struct {
	*base.Place
	host *host
	// dir is on disk; memory is for volumes that are in memory, "" if there are
	// none.
	dir, memory placeDir
	user        lifecycle.User
	leave       bool // PlaceSpec.Leave
	report      progress.Reporter

	// unpacked is closed when the builder is there or cannot be; builder and
	// noBuilder are set then.
	unpacked      chan struct{}
	builder       *builderLayers
	noBuilder     error
	stopUnpacking context.CancelFunc

	phases atomic.Int64 // how many have been started
}

var _ lifecycle.Place = (*place)(nil)

// Open implements lifecycle.Engine.
func (e *Engine) Open(ctx context.Context, spec lifecycle.PlaceSpec) (lifecycle.Place, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	h, err := e.ready(ctx)
	if err != nil {
		return nil, err
	}
	if err := h.checkUser(spec.User); err != nil {
		return nil, err
	}
	p := &place{host: h, user: spec.User, leave: spec.Leave, report: spec.Progress, unpacked: make(chan struct{})}
	p.Place = base.New(p)
	if p.report == nil {
		p.report = e.config.Progress
	}
	if h.noStore != "" {
		p.report.Info(h.noStore)
	}
	h.makeRoom(ctx, h.work, spec.User, p.report)
	inner, cancel := context.WithCancel(ctx)
	p.stopUnpacking = cancel
	err = p.make(ctx, spec)
	if dir := e.config.MemoryDir; dir != "" && err == nil {
		h.makeRoom(ctx, dir, spec.User, p.report)
		err = p.makeInMemory(ctx, dir, spec)
	}
	if err != nil {
		close(p.unpacked)
		return nil, errors.Join(err, p.Close())
	}
	go func() {
		defer close(p.unpacked)
		builder, err := h.unpackBuilder(inner, spec.Builder, p.user, p.report)
		p.builder, p.noBuilder = builder, confine.Step(err, "unpacking the builder")
	}()
	return p, nil
}

// Ready implements lifecycle.Place.
func (p *place) Ready(ctx context.Context) error {
	select {
	case <-p.unpacked:
		return p.noBuilder
	case <-ctx.Done():
		return ctx.Err()
	}
}

// make makes the directories of the place and the volumes.
func (p *place) make(ctx context.Context, spec lifecycle.PlaceSpec) error {
	if err := p.dir.make(p.host.work, dirVolumes, dirPhases, dirStage); err != nil {
		return p.Explain(ctx, err, "making a place")
	}
	return p.makeVolumes(ctx, &p.dir, spec.Volumes)
}

// makeInMemory makes those volumes anew in memory, a directory there, for which
// that is the place.
func (p *place) makeInMemory(ctx context.Context, memory string, spec lifecycle.PlaceSpec) error {
	if !inMemory(memory, spec.Expected) {
		return nil
	}
	if err := p.memory.make(memory, dirVolumes); err != nil {
		return p.Explain(ctx, err, "making a place")
	}
	return p.makeVolumes(ctx, &p.memory, spec.InMemory)
}

func (p *place) makeVolumes(ctx context.Context, in *placeDir, names []string) error {
	dir := filepath.Join(in.path, dirVolumes)
	for _, name := range names {
		if name == "." || name == ".." || filepath.Base(name) != name {
			return fmt.Errorf("volume %q: not a name", name)
		}
		p.Volumes[name] = filepath.Join(dir, name)
	}
	_, err := p.host.do(ctx, p.host.identity, &job{Kind: jobVolumes, Dir: dir, Names: names, User: p.user}, nil)
	return p.Explain(ctx, err, "making volumes")
}

// Run implements lifecycle.Place.
func (p *place) Run(ctx context.Context, phase lifecycle.Phase, streams lifecycle.Streams) error {
	return p.Do(ctx, "phase "+string(phase.Name), func(ctx context.Context) error { return p.run(ctx, phase, streams) })
}

func (p *place) run(ctx context.Context, phase lifecycle.Phase, streams lifecycle.Streams) error {
	if err := p.check(phase); err != nil {
		return err
	}
	var layers []string
	if phase.NeedsBuilder() {
		if err := p.Ready(ctx); err != nil {
			return err
		}
		layers = p.builder.dirs
	}
	scratch := filepath.Join(p.dir.path, dirPhases, strconv.FormatInt(p.phases.Add(1), 10))
	defer p.host.remove(context.WithoutCancel(ctx), p.host.identity, p.user, scratch)
	if err := makeScratch(scratch); err != nil {
		return err
	}
	t := &task{
		Phase: phase, Identity: p.host.identity,
		Stage: filepath.Join(p.dir.path, dirStage), Scratch: scratch,
		Volumes: p.Volumes, Layers: layers,
		UpperInMemory: !p.host.support.Upper,
	}
	_, err := p.host.run(ctx, t, streams, p.report)
	return err
}

// Unpack implements base.Work.
func (p *place) Unpack(ctx context.Context, volume string, archive io.Reader) error {
	_, err := p.host.do(ctx, p.host.identity, &job{Kind: jobImport, Dir: volume, User: p.user}, archive)
	return err
}

// OpenFile implements base.Work.
func (p *place) OpenFile(ctx context.Context, volume, path string) (io.ReadCloser, error) {
	return p.host.do(ctx, p.host.identity, &job{Kind: jobExport, Dir: volume, Path: path, User: p.user}, nil)
}

// Advise implements base.Work.
func (p *place) Advise(err error) error {
	// A program that runs out of room seldom says where.
	if _, exited := errors.AsType[*lifecycle.ExitError](err); exited && isFull(p.host.work) || confine.NoRoom(err) {
		return withRoomHint(err, p.host.work)
	}
	return err
}

// Close implements lifecycle.Place.
func (p *place) Close() error {
	return p.Shut(func() error {
		p.stopUnpacking()
		<-p.unpacked
		err := p.builder.Close()
		for _, dir := range []*placeDir{&p.dir, &p.memory} {
			err = errors.Join(err, p.remove(dir))
			if dir.claim != nil {
				dir.claim.Close()
			}
		}
		return err
	})
}

// remove removes a directory of the place, or has it removed.
func (p *place) remove(dir *placeDir) error {
	if dir.path == "" || p.leave && !p.Failed() && dir.claim != nil && p.host.leave(dir) {
		return nil
	}
	return p.host.remove(context.Background(), p.host.identity, p.user, dir.path)
}

// Facts implements lifecycle.Place.
func (p *place) Facts() lifecycle.PlaceFacts {
	facts := lifecycle.PlaceFacts{Room: "make room on the file system of " + p.host.work, InMemory: p.memory.path != ""}
	facts.OutOfMemory = facts.InMemory && (room(p.memory.path) < 64<<20 || isFull(p.memory.path))
	return facts
}

// makeScratch makes a phase's scratch directory.
func makeScratch(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, sub := range []string{scratchUpper, scratchWork, scratchTmp} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	// Whatever this process' umask is.
	return errors.Join(
		os.Chmod(filepath.Join(dir, scratchUpper), 0o755), // the mode of the phase's root
		os.Chmod(filepath.Join(dir, scratchTmp), os.ModeSticky|0o777))
}
