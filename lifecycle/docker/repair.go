package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"path"
	"sync"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/pack-cache/pack-cache/internal/tarfile"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// builderRoot is an image that something of the builder runs in.
type builderRoot struct {
	mu    sync.Mutex
	image string
}

func (b *builderRoot) current() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.image
}

func (b *builderRoot) set(image string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.image = image
}

// phaseRoot is what phases of the builder run in: the builder, or what image
// extensions have made of it.
func (p *place) phaseRoot() *builderRoot {
	if p.extended.current() != "" {
		return &p.extended
	}
	return &p.builder
}

// usual are the paths, besides those of mounts, that have to be of a kind: the
// daemon mounts its own files over some of them.
var usual = []target{
	{"/etc/hosts", file}, {"/etc/resolv.conf", file}, {"/etc/hostname", file}, {"/tmp", temporary},
}

// repair replaces what the builder has at places where something is to be
// mounted: symbolic links, which the daemon would follow, and files instead of
// directories. It returns the image to use from now on.
func (p *place) repair(ctx context.Context, root *builderRoot, image string, targets []target) (string, error) {
	root.mu.Lock()
	defer root.mu.Unlock()
	if root.image != image {
		return root.image, nil // another phase came first; it may suffice
	}
	v := vessel{name: p.name("repair"), image: image, user: p.user, network: lifecycle.NetworkNone, labels: p.labels(), hostUserns: p.hostUserns}
	config, host := v.config()
	host.AutoRemove = false // it is never started
	api := p.daemon.api
	made, err := api.ContainerCreate(context.WithoutCancel(ctx), config, host, nil, nil, v.name)
	if err != nil {
		return "", err
	}
	defer p.daemon.remove(context.WithoutCancel(ctx), made.ID)
	for dir, content := range byDirectory(append(targets, usual...)) {
		if err := p.replace(ctx, made.ID, dir, content); err != nil {
			return "", step(err, "preparing %s of the builder", dir)
		}
	}
	commit, err := api.ContainerCommit(context.WithoutCancel(ctx), made.ID, container.CommitOptions{
		Reference: placeRepository + ":" + p.name("repaired"),
		Config:    &container.Config{}, // Podman wants to be sent one
		Changes:   []string{"LABEL " + Label + "=" + p.id},
	})
	if err != nil {
		return "", err
	}
	p.report.Debug("docker: the builder has been prepared for its mounts")
	root.image = commit.ID
	return commit.ID, nil
}

// byDirectory sorts targets by the directory that they are in.
func byDirectory(targets []target) map[string][]target {
	sorted := map[string][]target{}
	for _, t := range targets {
		dir := path.Dir(t.path)
		sorted[dir] = append(sorted[dir], t)
	}
	return sorted
}

// replace makes the targets in a directory what they have to be. Nothing of the
// image is lost by it: something is mounted there, or it is /tmp.
func (p *place) replace(ctx context.Context, id, dir string, targets []target) error {
	var entries []tar.Header
	for _, t := range targets {
		header := tar.Header{Typeflag: tar.TypeDir, Name: path.Base(t.path) + "/", Mode: 0o755}
		switch t.kind {
		case file:
			header.Typeflag, header.Name, header.Mode = tar.TypeReg, path.Base(t.path), 0o644
		case temporary:
			header.Mode = 0o1777
		}
		entries = append(entries, header)
	}
	archive, err := tarfile.Bytes(entries, nil)
	if err != nil {
		return err
	}
	err = p.daemon.api.CopyToContainer(ctx, id, dir, bytes.NewReader(archive), container.CopyToContainerOptions{AllowOverwriteDirWithFile: true})
	if errdefs.IsNotFound(err) {
		return nil // the daemon makes what is not there
	}
	return err
}
