package platform

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
	"github.com/pack-cache/pack-cache/platform/outlet"
)

// appOutlet is where an app image goes that is not published.
type appOutlet interface {
	phases.Apps
	// Known describes the images that the app image is made of.
	Known() (phases.KnownImages, error)
	// Begin starts what need not wait for the app image.
	Begin(ctx context.Context)
	// Close ends that and is idempotent.
	Close() error
}

// findDaemon finds the daemon that keeps images: the one that --docker-host names
// or the usual one, whatever engine runs the phases.
func (p *Platform) findDaemon(r *resolved) {
	for _, engine := range p.Engines {
		if engine.Traits().Images != nil {
			r.daemon = at(engine, r.DockerHost).Traits().Images
			return
		}
	}
}

func (r *resolved) probeDaemon(ctx context.Context) error {
	if r.daemon == nil {
		return errors.New("no engine has one")
	}
	return r.daemon.Probe(ctx)
}

// openOutlet makes the outlet of an image that is not published, when the run
// image is known.
func (p *Platform) openOutlet(ctx context.Context, r *resolved) error {
	var tags []string
	for _, image := range r.names {
		tags = append(tags, outlet.NameOf(image.ref))
	}
	switch r.Output.To {
	case ToDaemon:
		return p.openDaemonOutlet(ctx, r, tags)
	case ToLayout:
		previous, err := p.previousFor(ctx, r, r.Output.Path)
		r.outlet = &outlet.Layout{Dir: r.Output.Path, Name: outlet.LayoutName, Tags: tags, Run: r.run, Previous: previous}
		return err
	}
	previous, err := p.previousFor(ctx, r, "")
	r.outlet = &outlet.File{Path: r.Output.Path, Docker: r.Output.To == ToDockerFile, Tags: tags, Run: r.run, Previous: previous}
	return err
}

func (p *Platform) openDaemonOutlet(ctx context.Context, r *resolved, tags []string) error {
	to := &outlet.Daemon{Daemon: r.daemon, Tags: tags, Run: r.run, Progress: p.Progress}
	if tag, ok := r.runRef.(name.Tag); ok {
		to.RunTag = outlet.NameOf(tag)
	}
	r.outlet = to
	previous := tags[0]
	if r.PreviousImage != "" {
		ref, err := r.parse("previous image", r.PreviousImage)
		if err != nil {
			return err
		}
		previous = outlet.NameOf(ref)
	}
	return to.FindPrevious(ctx, previous)
}

// previousFor finds the image whose layers may be reused: what --previous-image
// names, or else what is in a directory, "" for none. That it is not there is no
// error, and one that is over a bound is not used.
func (p *Platform) previousFor(ctx context.Context, r *resolved, dir string) (*outlet.Source, error) {
	previous, err := p.findPrevious(ctx, r, dir)
	if err == nil && previous != nil {
		_, err = bounds.Config(previous.Image)
	}
	if errors.Is(err, bounds.ErrExceeded) {
		p.Progress.Warn(fmt.Sprintf("the previous image is not used: %v", err))
		return nil, nil
	}
	return previous, err
}

func (p *Platform) findPrevious(ctx context.Context, r *resolved, dir string) (*outlet.Source, error) {
	if other, ok := layoutPath(r.PreviousImage); ok {
		path, err := filepath.Abs(other)
		if err != nil {
			return nil, err
		}
		return outlet.OpenLayout(ctx, path, outlet.LayoutName)
	}
	if r.PreviousImage == "" {
		if dir == "" {
			return nil, nil
		}
		return outlet.OpenLayout(ctx, dir, outlet.LayoutName)
	}
	ref, err := r.parse("previous image", r.PreviousImage)
	if err != nil {
		return nil, err
	}
	img, err := p.pull(ctx, r, need{what: "previous image", ref: ref})
	if errors.Is(err, errNotThere) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return sourceOf(r.PreviousImage, ref, img)
}
