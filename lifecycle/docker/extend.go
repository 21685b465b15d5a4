package docker

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/docker/docker/api/types/build"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/docker/inside"
)

var _ lifecycle.Extender = (*place)(nil)

// ExtendBuilder implements lifecycle.Extender.
func (p *place) ExtendBuilder(ctx context.Context, extension lifecycle.Extension) (configs []*v1.ConfigFile, err error) {
	err = p.Do(ctx, "extending the builder", func(ctx context.Context) error {
		last, made, err := p.extend(ctx, p.builder.current(), extension)
		if err != nil {
			return err
		}
		configs = made
		p.extended.set(last)
		return nil
	})
	return configs, err
}

// ExtendImage implements lifecycle.Extender.
func (p *place) ExtendImage(ctx context.Context, img v1.Image, extension lifecycle.Extension) (made lifecycle.DaemonImage, configs []*v1.ConfigFile, err error) {
	err = p.Do(ctx, "extending the run image", func(ctx context.Context) (err error) {
		made, configs, err = p.extendImage(ctx, img, extension)
		return err
	})
	return made, configs, err
}

func (p *place) extendImage(ctx context.Context, base v1.Image, extension lifecycle.Extension) (lifecycle.DaemonImage, []*v1.ConfigFile, error) {
	id, err := p.daemon.runImage(ctx, base, p.report)
	if err != nil {
		return nil, nil, err
	}
	last, configs, err := p.extend(ctx, id, extension)
	if err != nil {
		return nil, nil, err
	}
	made, err := p.daemon.kept(ctx, last)
	if err != nil {
		return nil, nil, err
	}
	delete(made.config.Config.Labels, Label)
	return made, configs, nil
}

// extend applies Dockerfiles to an image of the daemon. It returns the last image
// and the configs of all.
func (p *place) extend(ctx context.Context, image string, extension lifecycle.Extension) (last string, configs []*v1.ConfigFile, err error) {
	config, err := p.configOf(ctx, image)
	if err != nil {
		return "", nil, err
	}
	if len(config.Config.OnBuild) > 0 {
		return "", nil, errors.New("the image has ONBUILD instructions, which would run in what is made of it")
	}
	configs = append(configs, config)
	for _, d := range extension.Dockerfiles {
		if image, err = p.apply(ctx, image, config.Config.User, d, extension); err != nil {
			return "", nil, step(err, "image extension %s", d.Extension)
		}
		if config, err = p.configOf(ctx, image); err != nil {
			return "", nil, err
		}
		configs = append(configs, config)
	}
	return image, configs, nil
}

// configOf returns what the daemon says of the config of an image.
func (p *place) configOf(ctx context.Context, image string) (*v1.ConfigFile, error) {
	found, err := p.daemon.kept(ctx, image)
	if err != nil {
		return nil, err
	}
	return found.config, nil
}

// apply has the daemon apply a Dockerfile to an image, and returns the one that
// it makes. All that the daemon makes meanwhile has the place's label.
func (p *place) apply(ctx context.Context, image, user string, d lifecycle.Dockerfile, extension lifecycle.Extension) (string, error) {
	made, base := placeRepository+":"+p.name("extended"), strings.TrimPrefix(image, "sha256:")
	dockerfile, needsFiles, err := onBase(d.Content, "FROM "+base, "LABEL "+Label+"="+p.id)
	if err != nil {
		return "", fmt.Errorf("file Dockerfile: %w", err)
	}
	args := map[string]*string{}
	uid, gid, _ := strings.Cut(user, ":")
	for _, arg := range append(append([]string{}, extension.Proxies...), append(d.Args,
		"base_image="+base, "build_id="+uuid(), "user_id="+uid, "group_id="+gid)...) {
		key, value, _ := strings.Cut(arg, "=")
		args[key] = &value
	}
	files := io.NopCloser(strings.NewReader(""))
	if needsFiles {
		if files, err = p.open(ctx, &inside.Export{Volume: d.Volume, Path: d.Dir, Directory: true}); err != nil {
			return "", err
		}
	}
	defer files.Close()
	read, write := io.Pipe()
	defer read.Close()
	go func() { write.CloseWithError(writeContext(write, files, dockerfile)) }()
	answer, err := p.daemon.api.ImageBuild(ctx, read, build.ImageBuildOptions{
		Version: build.BuilderV1, Dockerfile: dockerfileName, Tags: []string{made},
		BuildArgs: args, NetworkMode: string(extension.Network),
		NoCache: true, Remove: true, ForceRemove: true,
	})
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	log := extension.Log
	if log == nil {
		log = io.Discard
	}
	if err := follow(answer.Body, log); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", err
	}
	found, err := p.daemon.api.ImageInspect(ctx, made)
	return found.ID, err
}

// follow passes on what a daemon says while it builds.
func follow(answer io.Reader, log io.Writer) error {
	for lines := json.NewDecoder(answer); ; {
		var line struct{ Stream, Error string }
		switch err := lines.Decode(&line); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case line.Error != "":
			return errors.New(line.Error)
		}
		_, _ = io.WriteString(log, line.Stream)
	}
}

// uuid returns a random UUID (RFC 9562, version 4).
func uuid() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// runImage returns the id of a run image in the daemon, which it is sent to if
// the daemon does not have it.
func (d *daemon) runImage(ctx context.Context, img v1.Image, report interface{ Info(string) }) (string, error) {
	config, err := img.ConfigName()
	if err != nil {
		return "", err
	}
	tag, err := name.NewTag(runRepository + ":" + config.Hex[:12])
	if err != nil {
		return "", err
	}
	digest, err := img.Digest()
	if err != nil {
		return "", err
	}
	return d.image(ctx, img, tag, []string{config.String(), digest.String()}, func() {
		report.Info("Sending the run image to the docker daemon, which does not have it")
	})
}
