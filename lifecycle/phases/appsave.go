package phases

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/buildpacks/imgutil"
	"github.com/buildpacks/lifecycle/platform/files"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// openWorkingImage opens the app image to be: the run image, with the previous image
// at hand for the layers that did not change. extended is the config of the run image
// that extensions have left, nil if there are none. When an image that goes to Apps has
// been saved, saved says how it is known.
func (j *job) openWorkingImage(ctx context.Context, analyzed files.Analyzed, in ExportInput, extended *v1.Config, saved *Saved) (imgutil.Image, error) {
	known := in.Known
	if analyzed.PreviousImageRef() == "" {
		known.Previous = nil
	}
	open := func(image KnownImage) (v1.Image, error) {
		if known.Registry {
			return newKnown(image, j.readerAt(ctx, image.Reference))
		}
		return newKnown(image, nil)
	}
	run, err := open(known.Run)
	if err != nil {
		return nil, err
	}
	options := imgutil.ImageOptions{BaseImage: run, Config: extended, PreserveHistory: j.api.AtLeast("0.12")}
	if known.Previous != nil {
		if options.PreviousImage, err = open(*known.Previous); err != nil {
			return nil, err
		}
	}
	if in.Created != nil && j.api.AtLeast("0.9") {
		options.CreatedAt = *in.Created
	}
	core, err := imgutil.NewCNBImage(options)
	if err != nil {
		return nil, fmt.Errorf("open run image %s: %w", known.Run.Name, err)
	}
	if known.Registry {
		return j.newPublishedImage(ctx, in.Image, core, known)
	}
	return &appImage{
		CNBImageCore: core, name: in.Image, plain: known.Plain, files: map[string]layerFile{},
		save: func(app *appImage) error { return j.saveToApps(ctx, app, saved) },
	}, nil
}

// saveToApps has Apps save an image, and notes how it is known there.
func (j *job) saveToApps(ctx context.Context, app *appImage, saved *Saved) error {
	said, err := app.say(j.Paths.State)
	if err != nil {
		return err
	}
	a, err := j.link.ask(ctx, question{Apps: &appsQuestion{Save: said}})
	if err != nil {
		return err
	}
	if a.Saved == nil {
		return fmt.Errorf("it is not known how image %s is to be read", app.name)
	}
	*saved = *a.Saved
	app.reference = saved.Digest
	if app.reference == "" {
		app.reference = saved.ID
	}
	return nil
}

// say describes the image for those who keep it. state is the directory of the
// state.
func (i *appImage) say(state string) (*saveApp, error) {
	said := &saveApp{Files: map[string]layerFile{}}
	var err error
	if said.Config, err = i.RawConfigFile(); err != nil {
		return nil, err
	}
	if !i.plain {
		if said.Manifest, err = i.RawManifest(); err != nil {
			return nil, err
		}
	}
	for diffID, file := range i.files {
		if file.Path, err = filepath.Rel(state, file.Path); err != nil {
			return nil, err
		}
		said.Files[diffID] = file
	}
	return said, nil
}
