package docker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/internal/progress"
)

const (
	// removeLimit is how long removing everything may take, a restart of the
	// daemon included.
	removeLimit = time.Minute
	// removePatience is how long a daemon that answers may refuse. Some do while
	// they are busy with the same container.
	removePatience = 10 * time.Second
	// removePause is how long to wait for a daemon that is busy or away.
	removePause = 100 * time.Millisecond
	// oldPlace is the age from which on what is left of a place goes. Volumes
	// that are in use and containers that run stay, however old.
	oldPlace = 24 * time.Hour
	// oldImage is how long an image stays that no build uses.
	oldImage = 30 * 24 * time.Hour
)

// remove ends and removes a container, which need not be there any more.
func (d *daemon) remove(ctx context.Context, id string) error {
	err := d.api.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// removeAll removes everything that has the place's label, and tries again while
// the daemon is away or still at it.
func (p *place) removeAll() error {
	ctx, cancel := context.WithTimeout(context.Background(), removeLimit)
	defer cancel()
	patience := time.Now().Add(removePatience)
	for {
		left, err := p.tryRemoveAll(ctx)
		if err == nil && !left {
			return nil
		}
		if err != nil && !client.IsErrConnectionFailed(err) && time.Now().After(patience) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(removePause):
		}
	}
}

// tryRemoveAll tells whether there was anything left to remove.
func (p *place) tryRemoveAll(ctx context.Context) (left bool, err error) {
	mine := filters.NewArgs(filters.Arg("label", Label+"="+p.id))
	containers, err := p.daemon.api.ContainerList(ctx, container.ListOptions{All: true, Filters: mine})
	if err != nil {
		return false, err
	}
	all, inner := errgroup.WithContext(ctx)
	for _, c := range containers {
		all.Go(func() error { return p.daemon.remove(inner, c.ID) })
	}
	if err := all.Wait(); err != nil {
		return true, err
	}
	volumes, err := p.daemon.api.VolumeList(ctx, volume.ListOptions{Filters: mine})
	if err != nil {
		return false, err
	}
	all, inner = errgroup.WithContext(ctx)
	for _, v := range volumes.Volumes {
		all.Go(func() error { return p.daemon.api.VolumeRemove(inner, v.Name, true) })
	}
	if err := all.Wait(); err != nil {
		return true, err
	}
	for _, id := range slices.Backward(p.builder.repaired) {
		_, err := p.daemon.api.ImageRemove(ctx, id, image.RemoveOptions{Force: true, PruneChildren: true})
		if err != nil && !errdefs.IsNotFound(err) {
			return true, err
		}
	}
	p.builder.repaired = nil
	return len(containers) > 0, nil
}

// removeOld removes what places left whose pack-cache was lost. What cannot be
// removed waits for the next time.
func (d *daemon) removeOld(ctx context.Context, report progress.Reporter) {
	ours := filters.NewArgs(filters.Arg("label", Label))
	containers, err := d.api.ContainerList(ctx, container.ListOptions{All: true, Filters: ours})
	if err != nil {
		report.Debug("docker: looking for what is left of old builds: " + err.Error())
		return
	}
	for _, c := range containers {
		named := slices.ContainsFunc(c.Names, func(name string) bool { return strings.HasPrefix(name, "/"+namePrefix) })
		// An image can have the label, too, and give it to containers.
		if named && c.State != container.StateRunning && time.Since(time.Unix(c.Created, 0)) > d.oldPlace {
			report.Debug("docker: removing an old container " + c.ID)
			_ = d.remove(ctx, c.ID)
		}
	}
	volumes, err := d.api.VolumeList(ctx, volume.ListOptions{Filters: ours})
	if err != nil {
		report.Debug("docker: looking for what is left of old builds: " + err.Error())
		return
	}
	for _, v := range volumes.Volumes {
		created, err := time.Parse(time.RFC3339, v.CreatedAt)
		if err == nil && strings.HasPrefix(v.Name, namePrefix) && time.Since(created) > d.oldPlace {
			report.Debug("docker: removing an old volume " + v.Name)
			_ = d.api.VolumeRemove(ctx, v.Name, false)
		}
	}
}

// removeOldImages removes images that the engine has made and no build has used
// for long, but for the one with the given tag. An image gets its tag again
// whenever it is used; where a daemon does not say when that was, it stays.
func (d *daemon) removeOldImages(ctx context.Context, except string) {
	for _, repository := range []string{ownRepository, builderRepository} {
		found, err := d.api.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("reference", repository))})
		if err != nil {
			continue // it can be done another time
		}
		for _, summary := range found {
			details, err := d.api.ImageInspect(ctx, summary.ID)
			if err != nil || details.Metadata.LastTagTime.IsZero() || time.Since(details.Metadata.LastTagTime) < d.oldImage {
				continue
			}
			for _, tag := range summary.RepoTags {
				if tag != except && strings.HasPrefix(tag, repository+":") {
					_, _ = d.api.ImageRemove(ctx, tag, image.RemoveOptions{PruneChildren: true})
				}
			}
		}
	}
}
