package platform

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// open chooses an engine, and fills the volumes while the builder is fetched.
func (p *Platform) open(ctx context.Context, r *resolved) (lifecycle.Place, error) {
	engine, err := p.choose(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := checkHostPaths(r.Volumes, engine); err != nil {
		return nil, err
	}
	place, err := engine.Open(ctx, lifecycle.PlaceSpec{
		Builder:    r.image,
		User:       r.user(),
		Volumes:    lifecycle.Volumes(),
		HostUserns: r.UsernsHost,
		Progress:   p.Progress,
	})
	if err != nil {
		return nil, fmt.Errorf("open builder %s: %w", r.Builder, err)
	}
	if err := fill(ctx, place, r); err != nil {
		return nil, errors.Join(err, place.Close())
	}
	return place, nil
}

// fill puts the source and the buildpacks' environment where phases see them.
func fill(ctx context.Context, place lifecycle.Place, r *resolved) error {
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		return importArchive(ctx, place, lifecycle.VolumeApp, appArchive(r.AppDir, r.withoutCaches(r.project.Filter())))
	})
	both.Go(func() error {
		// The mount points have to be there, because phases see the volume
		// read-only.
		return importArchive(ctx, place, lifecycle.VolumePlatform,
			envArchive(r.Env), mountPoints(r.Volumes, lifecycle.PlatformDir))
	})
	return both.Wait()
}

// candidates returns the engine called wanted, or all of them.
func (p *Platform) candidates(wanted string) ([]lifecycle.Engine, error) {
	if wanted == "" || wanted == "auto" {
		return p.Engines, nil
	}
	known := []string{"auto"}
	for _, engine := range p.Engines {
		if engine.Name() == wanted {
			return []lifecycle.Engine{engine}, nil
		}
		known = append(known, engine.Name())
	}
	return nil, NewUsageError(fmt.Sprintf("--engine %q is not known", wanted), "choose one of "+strings.Join(known, ", "))
}

// choose returns the first candidate that works here.
func (p *Platform) choose(ctx context.Context, r *resolved) (lifecycle.Engine, error) {
	var tried []string
	for _, engine := range r.engines {
		err := engine.Probe(ctx)
		if err == nil {
			p.Progress.Info(fmt.Sprintf("Engine %s: %s", engine.Name(), reason(r.Engine)))
			return engine, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		tried = append(tried, fmt.Sprintf("  %-10s %v", engine.Name(), err))
		if hinted, ok := errors.AsType[interface {
			error
			Hint() string
		}](err); ok {
			tried = append(tried, "             "+hinted.Hint())
		}
	}
	return nil, fmt.Errorf("no engine can run phases here; tried:\n%s", strings.Join(tried, "\n"))
}

func reason(wanted string) string {
	if wanted == "" || wanted == "auto" {
		return "the first that works on this machine"
	}
	return "chosen with --engine"
}
