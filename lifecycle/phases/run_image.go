package phases

import (
	"context"
	"fmt"

	"github.com/buildpacks/imgutil"
	"github.com/buildpacks/imgutil/remote"
	"github.com/buildpacks/lifecycle/image"
	lifecycleplatform "github.com/buildpacks/lifecycle/platform"
	"github.com/buildpacks/lifecycle/platform/files"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/trust"
)

// platformHandler opens images for one platform. The lifecycle's own handler
// takes, of an index, the image for the machine that the phase runs on.
type platformHandler struct {
	image.Handler
	job      *job
	platform v1.Platform
}

// InitImage implements image.Handler.
func (h *platformHandler) InitImage(ref string) (imgutil.Image, error) {
	if ref == "" {
		return nil, nil
	}
	keychain, err := h.job.credentials(ref, trust.Pull)
	if err != nil {
		return nil, err
	}
	img, err := remote.NewImage(ref, keychain, remote.FromBaseImage(ref), remote.WithDefaultPlatform(imgutil.Platform{
		OS: h.platform.OS, Architecture: h.platform.Architecture, Variant: h.platform.Variant,
	}))
	if err != nil {
		return nil, about(ref, trust.Pull, err)
	}
	return img, nil
}

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
func (j *job) useRunImage(ctx context.Context, run RunImage, known *KnownImages, path string, analyzed files.Analyzed) error {
	img, err := j.openRunImage(ctx, run, known)
	if err != nil {
		return err
	}
	if !img.Found() {
		return fmt.Errorf("run image %s is not there", run.Name)
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

func (j *job) openRunImage(ctx context.Context, run RunImage, known *KnownImages) (imgutil.Image, error) {
	if known != nil {
		return j.openKnown(ctx, known.Run.Name, &known.Run)
	}
	keychain, err := j.credentials(run.Reference, trust.Pull)
	if err != nil {
		return nil, err
	}
	return image.NewHandler(nil, keychain, "", false, nil).InitImage(run.Reference)
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
