package inplace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/internal/removal"
	"github.com/pack-cache/pack-cache/internal/until"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/base"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
	"github.com/pack-cache/pack-cache/lifecycle/volume"
)

// place is the volumes of one build.
type place struct {
	*base.Place
	host   *host
	claim  *os.File
	user   lifecycle.User // whom phases run as
	fixed  []*fixed
	grants []confine.Rule // what is the builder's
	more   []confine.Rule // what is laid over it
	env    []string       // what phases have to be told in addition to their own
	calls  confine.Calls
	report progress.Reporter

	mu      sync.Mutex
	scratch []*scratch
	active  int // phases that run
}

var _ lifecycle.Place = (*place)(nil)

// open readies a place. Ready brings about the builder, and may add to the place.
func (h *host) open(ctx context.Context, spec lifecycle.PlaceSpec, ready func(context.Context, *place) error) (lifecycle.Place, error) {
	if err := h.facts("").Untrusted; err != nil && !spec.Trusted {
		return nil, err
	}
	if err := spec.User.Check(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := &place{host: h, user: h.as(spec.User), report: spec.Progress}
	p.Place = base.New(p)
	if p.report == nil {
		p.report = progress.Discard
	}
	var err error
	if p.claim, err = h.claim(); err != nil {
		return nil, confine.Step(err, "making a place")
	}
	if err = p.makeVolumes(spec.Volumes); err == nil {
		err = ready(ctx, p)
	}
	if err == nil {
		err = p.look()
	}
	if err != nil {
		return nil, errors.Join(p.Explain(ctx, err, "making a place"), p.Close())
	}
	return p, nil
}

func (p *place) makeVolumes(names []string) error {
	if err := os.Mkdir(p.host.path(volumesDir), 0o755); err != nil {
		return err
	}
	var plain []string
	for _, name := range names {
		if name == "." || name == ".." || filepath.Base(name) != name {
			return fmt.Errorf("volume %q: not a name", name)
		}
		p.Volumes[name] = p.host.volume(name)
		if name != lifecycle.VolumeLayers && name != lifecycle.VolumeApp {
			plain = append(plain, name)
			continue
		}
		f, err := p.host.openFixed(name, p.user)
		if f != nil {
			p.fixed = append(p.fixed, f)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(
		os.Chmod(p.host.path(volumesDir), 0o711),
		volume.Make(p.host.path(volumesDir), plain, p.user),
		volume.Make(p.host.dir, []string{tempVolume}, p.user))
}

// look finds out what phases may see here.
func (p *place) look() error {
	g, err := newGranting(filepath.Dir(p.host.dir), p.host.dir)
	if err != nil {
		return err
	}
	if !p.host.takeover {
		g.since = began()
	}
	if p.grants, err = g.rules(); err != nil {
		return err
	}
	for _, dir := range g.left {
		p.report.Warn(fmt.Sprintf("buildpacks cannot see %s, which was made after this container had started", dir))
	}
	for _, dir := range everybodys {
		s, inTheWay := openScratch(dir, p.user)
		if s != nil && !within(p.host.dir, dir) {
			p.scratch = append(p.scratch, s)
			continue
		}
		if dir == tempDir {
			p.env = append(p.env, "TMPDIR="+p.host.path(tempVolume))
			if len(inTheWay) > 0 {
				p.report.Warn(fmt.Sprintf("buildpacks cannot use /tmp, because they could read what is there (%s); TMPDIR names another directory to them", names(inTheWay)))
			}
		}
	}
	if sockets := reachable(p.user, p.host.abi); len(sockets) > 0 {
		p.calls.NoUnixSockets = true
		p.report.Info(fmt.Sprintf("Buildpacks cannot use Unix sockets, because they could connect to %s", names(sockets)))
	}
	if found := terminals(p.user); len(found) > 0 {
		p.report.Info(fmt.Sprintf("Buildpacks cannot use pseudo-terminals, because they could read %s; start the container without a terminal", names(found)))
	}
	if objects := sharedObjects(); len(objects) > 0 {
		p.calls.NoSharedMemory = true
		p.report.Info(fmt.Sprintf("Buildpacks cannot use shared memory by number or message queues, because they could reach %s", names(objects)))
	}
	return nil
}

// Run implements lifecycle.Place.
func (p *place) Run(ctx context.Context, phase lifecycle.Phase, streams lifecycle.Streams) error {
	return p.Do(ctx, "phase "+string(phase.Name), func(ctx context.Context) error {
		t, err := p.task(phase)
		if err != nil {
			return err
		}
		p.mu.Lock()
		p.active++
		p.mu.Unlock()
		defer p.clean()
		return p.host.run(ctx, t, streams)
	})
}

// clean removes what a phase has left where all programs write, when it was the
// last one that runs.
func (p *place) clean() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.active--; p.active > 0 {
		return
	}
	for _, s := range p.scratch {
		s.clean(p.user)
	}
	_ = removal.Content(p.host.path(tempVolume)) // goes with the place at the latest
}

// Unpack implements base.Work.
func (p *place) Unpack(ctx context.Context, dir string, archive io.Reader) error {
	return volume.Import(ctx, dir, until.Reader(ctx, archive), p.user)
}

// OpenFile implements base.Work.
func (p *place) OpenFile(_ context.Context, dir, path string) (io.ReadCloser, error) {
	return volume.Open(dir, path)
}

// Advise implements base.Work.
func (p *place) Advise(err error) error {
	if _, exited := errors.AsType[*lifecycle.ExitError](err); exited || !confine.NoRoom(err) {
		return err
	}
	return hint.With("make room in this container, on the file systems of /layers, /workspace and "+filepath.Dir(p.host.dir), err)
}

// Close implements lifecycle.Place.
func (p *place) Close() error {
	return p.Shut(func() error {
		errs := []error{p.host.restore()}
		for _, f := range p.fixed {
			errs = append(errs, f.close())
		}
		// Whoever waits for the claim finds it gone, and makes a new one.
		errs = append(errs, removal.Path(p.host.dir), p.claim.Close())
		return confine.Step(errors.Join(errs...), "removing what the build made")
	})
}

// Facts implements lifecycle.Place.
func (p *place) Facts() lifecycle.PlaceFacts {
	facts := lifecycle.PlaceFacts{Room: "make room on the file system of " + filepath.Dir(p.host.dir)}
	if _, has := p.Volumes[lifecycle.VolumeApp]; has {
		facts.Moved = map[string]string{lifecycle.AppDir: p.host.path(keptDir)}
	}
	return facts
}
