package platform

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"path"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// open opens a place on the engine, and fills its volumes. The builder may be on
// its way still.
func (p *Platform) open(ctx context.Context, r *resolved) (lifecycle.Place, error) {
	if err := r.checkHostPaths(); err != nil {
		return nil, err
	}
	spec := lifecycle.PlaceSpec{
		Builder:    r.image,
		User:       r.user(),
		Volumes:    lifecycle.Volumes(),
		Trusted:    r.verdict.Trusted,
		HostUserns: r.UsernsHost,
		Prepare:    []lifecycle.Phase{r.plan[lifecycle.Export]},
		Leave:      true,
		Progress:   p.Progress,
	}
	var looking sync.WaitGroup
	if r.traits.Memory {
		spec.InMemory = lifecycle.VolumesForMemory()
		if size := p.look(ctx, r); !r.OnDisk {
			spec.Expected = size
		}
	} else {
		looking.Go(func() { p.look(ctx, r) })
	}
	place, err := r.engine.Open(ctx, spec)
	looking.Wait()
	if err != nil {
		return nil, r.notOpened(err)
	}
	err = r.checkDisplaced(place)
	if err == nil {
		err = fill(ctx, place, r, p.Progress)
	}
	if err != nil {
		return nil, errors.Join(withRoomHint(place, err), place.Close())
	}
	return place, nil
}

func (r *resolved) notOpened(err error) error {
	return fmt.Errorf("open builder %s: %w", r.builderName(), err)
}

// fill puts the source and the buildpacks' environment where phases see them.
func fill(ctx context.Context, place lifecycle.Place, r *resolved, reporter progress.Reporter) error {
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		return importArchive(ctx, place, lifecycle.VolumeApp, appArchive(displaced(place, r.AppDir), r.withoutCaches(r.project.Filter()), reporter))
	})
	both.Go(func() error {
		// The mount points have to be there, because phases see the volume
		// read-only.
		return importArchive(ctx, place, lifecycle.VolumePlatform,
			envArchive(r.Env), mountPoints(r.Volumes, lifecycle.PlatformDir))
	})
	if stage := r.plan[lifecycle.Detect].Hidden; stage != "" {
		both.Go(func() error { return importArchive(ctx, place, lifecycle.VolumeLayers, directory(path.Base(stage))) })
	}
	return both.Wait()
}

// directory is an empty directory of nobody's but the build user's.
func directory(name string) archiver {
	return func(_ context.Context, archive *tar.Writer) error {
		return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o700})
	}
}
