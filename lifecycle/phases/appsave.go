package phases

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/buildpacks/imgutil"
	"github.com/buildpacks/lifecycle/platform/files"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// openKnownWorkingImage opens the app image to be, as openWorkingImage does, of
// images that the phase was told of. When the image has been saved, saved says
// how it is known.
func (j *job) openKnownWorkingImage(ctx context.Context, analyzed files.Analyzed, in ExportInput, extended *v1.Config, saved *Saved) (imgutil.Image, error) {
	run, err := newKnown(in.Known.Run, nil)
	if err != nil {
		return nil, err
	}
	options := imgutil.ImageOptions{BaseImage: run, PreserveHistory: j.api.AtLeast("0.12")}
	if extended != nil {
		options.Config = extended
	}
	if in.Known.Previous != nil && analyzed.PreviousImageRef() != "" {
		if options.PreviousImage, err = newKnown(*in.Known.Previous, nil); err != nil {
			return nil, err
		}
	}
	if in.Created != nil && j.api.AtLeast("0.9") {
		options.CreatedAt = *in.Created
	}
	core, err := imgutil.NewCNBImage(options)
	if err != nil {
		return nil, fmt.Errorf("open run image %s: %w", in.Known.Run.Name, err)
	}
	return &appImage{
		CNBImageCore: core, name: in.Image, plain: in.Known.Plain, files: map[string]layerFile{},
		save: func(app *appImage) error {
			said, err := app.say(j.Paths.State)
			if err != nil {
				return err
			}
			a, err := j.link.ask(ctx, question{Apps: &appsQuestion{Save: said}})
			if err != nil {
				return err
			}
			if a.Saved == nil {
				return fmt.Errorf("it is not known how image %s is to be read", in.Image)
			}
			*saved = *a.Saved
			app.reference = saved.Digest
			if app.reference == "" {
				app.reference = saved.ID
			}
			return nil
		},
	}, nil
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
