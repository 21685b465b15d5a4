package platform

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// open chooses an engine, and fills the volumes while the builder is fetched.
func (p *Platform) open(ctx context.Context, r *resolved) (lifecycle.Place, error) {
	if err := checkHostPaths(r.Volumes, r.engine); err != nil {
		return nil, err
	}
	place, err := r.engine.Open(ctx, lifecycle.PlaceSpec{
		Builder:    r.image,
		User:       r.user(),
		Volumes:    lifecycle.Volumes(),
		Trusted:    r.verdict.Trusted,
		HostUserns: r.UsernsHost,
		Progress:   p.Progress,
	})
	if err != nil {
		return nil, fmt.Errorf("open builder %s: %w", r.builderName(), err)
	}
	err = r.checkDisplaced(place)
	if err == nil {
		err = fill(ctx, place, r)
	}
	if err != nil {
		return nil, errors.Join(err, place.Close())
	}
	return place, nil
}

// fill puts the source and the buildpacks' environment where phases see them.
func fill(ctx context.Context, place lifecycle.Place, r *resolved) error {
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		return importArchive(ctx, place, lifecycle.VolumeApp, appArchive(displaced(place, r.AppDir), r.withoutCaches(r.project.Filter())))
	})
	both.Go(func() error {
		// The mount points have to be there, because phases see the volume
		// read-only.
		return importArchive(ctx, place, lifecycle.VolumePlatform,
			envArchive(r.Env), mountPoints(r.Volumes, lifecycle.PlatformDir))
	})
	return both.Wait()
}
