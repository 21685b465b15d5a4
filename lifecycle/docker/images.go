package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/pack-cache/pack-cache/internal/progress"
)

// Repositories of the images that the engine makes. No registry has that name.
const (
	ownRepository     = "pack-cache.local/own"
	builderRepository = "pack-cache.local/builder"
	runRepository     = "pack-cache.local/run"
	// placeRepository is for images that go with their place.
	placeRepository = "pack-cache.local/place"
)

// keptRepositories are those of images that serve the next build.
var keptRepositories = []string{ownRepository, builderRepository, runRepository}

// builderImage returns the id of the builder in the daemon, which it is sent to
// if the daemon does not have it.
func (d *daemon) builderImage(ctx context.Context, img v1.Image, report progress.Reporter) (string, error) {
	config, err := img.ConfigName()
	if err != nil {
		return "", err
	}
	tag, err := name.NewTag(builderRepository + ":" + config.Hex[:12])
	if err != nil {
		return "", err
	}
	digest, err := img.Digest()
	if err != nil {
		return "", err
	}
	// What the id of an image is the digest of depends on the daemon's store.
	return d.image(ctx, img, tag, []string{config.String(), digest.String()}, func() {
		report.Info("Sending the builder to the docker daemon, which does not have it")
	})
}

// ownImage returns the id of the image for own phases with the given
// environment.
func (d *daemon) ownImage(ctx context.Context, env []string) (string, error) {
	trusted, err := layerOf(certificateFiles(certificates(env)))
	if err != nil {
		return "", err
	}
	img, err := mutate.AppendLayers(empty.Image, d.programs.layer, trusted)
	if err != nil {
		return "", err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return "", err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", d.programs.arch
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return "", err
	}
	id, err := img.ConfigName()
	if err != nil {
		return "", err
	}
	tag, err := name.NewTag(ownRepository + ":" + id.Hex[:12])
	if err != nil {
		return "", err
	}
	return d.image(ctx, img, tag, []string{id.String()}, func() {})
}

// image returns the id of an image in the daemon. If the daemon has it neither
// under one of the ids nor under the tag, sending is called and the image is
// loaded.
func (d *daemon) image(ctx context.Context, img v1.Image, tag name.Tag, ids []string, sending func()) (string, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return "", err
	}
	var layers []string
	for _, diffID := range config.RootFS.DiffIDs {
		layers = append(layers, diffID.String())
	}
	// One at a time, or places that are opened together would all load it.
	if err := d.images.Take(ctx); err != nil {
		return "", err
	}
	defer d.images.Give()
	references := append(ids, tag.String())
	id, err := d.find(ctx, references, layers)
	if err != nil {
		return "", err
	}
	if id == "" {
		sending()
		if err := d.load(ctx, tag, img); err != nil {
			return "", err
		}
		if id, err = d.find(ctx, references, layers); err == nil && id == "" {
			err = fmt.Errorf("the docker daemon does not show image %s, which it has just taken", tag)
		}
		d.removeOldImages(ctx, tag.String())
	}
	return id, err
}

// find returns the id of the first of the references under which the daemon has
// an image of the given layers; "" if there is none. Whoever may use the daemon
// can give any image any name, but layers are known by their content.
func (d *daemon) find(ctx context.Context, references, layers []string) (string, error) {
	for _, reference := range references {
		found, err := d.api.ImageInspect(ctx, reference)
		switch {
		case errdefs.IsNotFound(err):
		case err != nil:
			return "", step(err, "looking for image %s", reference)
		case slices.Equal(found.RootFS.Layers, layers):
			return found.ID, d.used(ctx, found.ID, found.RepoTags)
		}
	}
	return "", nil
}

// used notes that an image is of use, if it is one that the engine has made.
func (d *daemon) used(ctx context.Context, id string, tags []string) error {
	for _, tag := range tags {
		if slices.ContainsFunc(keptRepositories, func(repository string) bool { return strings.HasPrefix(tag, repository+":") }) {
			return step(d.api.ImageTag(ctx, id, tag), "tagging image %s", tag)
		}
	}
	return nil
}

// load sends an image to the daemon.
func (d *daemon) load(ctx context.Context, tag name.Tag, img v1.Image) error {
	read, write := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := tarball.Write(tag, img, write)
		write.CloseWithError(err)
		written <- err
	}()
	err := d.receive(ctx, read)
	read.CloseWithError(io.ErrClosedPipe)
	// What cut the image short says more than that it was.
	if writeErr := <-written; writeErr != nil && !errors.Is(writeErr, io.ErrClosedPipe) {
		err = writeErr
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return step(err, "sending image %s to the docker daemon", tag)
}

// receive has the daemon read an archive of images.
func (d *daemon) receive(ctx context.Context, archive io.Reader) error {
	answer, err := d.api.ImageLoad(ctx, archive, client.ImageLoadWithQuiet(true))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return follow(answer.Body, io.Discard)
}
