package phases

import (
	"fmt"

	lifecycleplatform "github.com/buildpacks/lifecycle/platform"
	"github.com/buildpacks/lifecycle/platform/files"
)

// RunImage is the run image that image extensions have chosen or change.
type RunImage struct {
	// Name is what it is called, Reference the image itself.
	Name      string `json:"name"`
	Reference string `json:"reference"`
	// Extended says that layers are added to it.
	Extended bool `json:"extended,omitempty"`
}

// useRunImage writes to analyzed.toml, at path, what the app image will be based
// on, for the builder's phases. What else is in it comes from the caller.
func (j *job) useRunImage(run RunImage, known KnownImages, path string, analyzed files.Analyzed) error {
	img, err := openKnown(known.Run.Name, &known.Run, nil)
	if err != nil {
		return err
	}
	used := &files.RunImage{Reference: run.Reference, Extend: run.Extended}
	if j.api.AtLeast("0.12") {
		used.Image = run.Name
		if used.TargetMetadata, err = lifecycleplatform.GetTargetMetadata(img); err != nil {
			return fmt.Errorf("run image %s: %w", run.Name, err)
		}
	}
	analyzed.RunImage = used
	if err := j.dropAnalyzed(); err != nil {
		return err
	}
	return files.Handler.WriteAnalyzed(path, &analyzed, j.log)
}

// labelledRunImage is what the label of the app image says that its run image is
// called, for those who rebase it: named if the user has named one, as pack does
// by writing it to the builder's files, or else what these say.
func labelledRunImage(inputs *lifecycleplatform.LifecycleInputs, named string) (files.RunImageForExport, error) {
	if named != "" {
		return files.RunImageForExport{Image: named}, nil
	}
	return lifecycleplatform.GetRunImageForExport(*inputs)
}
