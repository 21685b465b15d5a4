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
	// they are busy with the same container, for long if the machine is loaded.
	removePatience = 30 * time.Second
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
	images, err := p.daemon.imagesOfPlaces(ctx, mine)
	if err != nil {
		return false, err
	}
	for _, i := range images {
		if err := p.daemon.removeImage(ctx, i.ID, true); err != nil {
			return true, err
		}
	}
	return len(containers) > 0, nil
}

// imagesOfPlaces lists the images that a filter finds, each before those that it
// was made of.
func (d *daemon) imagesOfPlaces(ctx context.Context, filter filters.Args) ([]image.Summary, error) {
	found, err := d.api.ImageList(ctx, image.ListOptions{All: true, Filters: filter})
	if err != nil {
		return nil, err
	}
	parent := map[string]string{}
	for _, i := range found {
		parent[i.ID] = i.ParentID
	}
	depth := func(id string) int {
		n := 0
		for ; id != "" && n <= len(found); id = parent[id] {
			n++
		}
		return n
	}
	slices.SortFunc(found, func(a, b image.Summary) int { return depth(b.ID) - depth(a.ID) })
	return found, nil
}

// removeImage removes an image, which need not be there any more.
func (d *daemon) removeImage(ctx context.Context, id string, force bool) error {
	_, err := d.api.ImageRemove(ctx, id, image.RemoveOptions{Force: force})
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
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
	images, err := d.imagesOfPlaces(ctx, ours)
	if err != nil {
		report.Debug("docker: looking for what is left of old builds: " + err.Error())
		return
	}
	for _, i := range images {
		others := slices.ContainsFunc(i.RepoTags, func(tag string) bool {
			return !strings.HasPrefix(tag, placeRepository+":") && tag != "<none>:<none>"
		})
		if !others && time.Since(time.Unix(i.Created, 0)) > d.oldPlace {
			report.Debug("docker: removing an old image " + i.ID)
			d.removeOldImage(ctx, i.ID)
		}
	}
}

// removeOldImage removes an image of a place that is lost, with what the daemon
// did not finish to build in it.
func (d *daemon) removeOldImage(ctx context.Context, id string) {
	containers, err := d.api.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("ancestor", id))})
	if err != nil {
		return
	}
	for _, c := range containers {
		if c.State != container.StateRunning {
			_ = d.remove(ctx, c.ID)
		}
	}
	// Not by force: what a container needs stays.
	tags, err := d.api.ImageInspect(ctx, id)
	if err != nil {
		return
	}
	for _, tag := range tags.RepoTags {
		_ = d.removeImage(ctx, tag, false)
	}
	_ = d.removeImage(ctx, id, false)
}

// removeOldImages removes images that the engine has made and no build has used
// for long, but for the one with the given tag. An image gets its tag again
// whenever it is used; where a daemon does not say when that was, it stays.
func (d *daemon) removeOldImages(ctx context.Context, except string) {
	for _, repository := range keptRepositories {
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
