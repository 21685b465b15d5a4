package phases

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/buildpacks/lifecycle/cmd"
	"github.com/buildpacks/lifecycle/image"
	"github.com/buildpacks/lifecycle/phase"
	lifecycleplatform "github.com/buildpacks/lifecycle/platform"
	"github.com/buildpacks/lifecycle/platform/files"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle/extend"
)

// AnalyzeInput names the images that analyze looks at.
type AnalyzeInput struct {
	// Image is the app image; "" if there will be none.
	Image         string   `json:"image"`
	Tags          []string `json:"tags,omitempty"`
	PreviousImage string   `json:"previous_image"`
	RunImage      string   `json:"run_image"`
	// Platform is what the run image has to be for.
	Platform v1.Platform `json:"platform"`
	// SkipLayers leaves the SBOMs of the previous image alone (--clear-cache).
	SkipLayers bool `json:"skip_layers,omitempty"`
	// Known is set when the app image goes to Apps.
	Known *KnownImages `json:"known,omitempty"`
}

// AnalyzeOutput is what analyze found.
type AnalyzeOutput struct {
	// Analyzed is what analyzed.toml says (CNB Platform specification). Later
	// phases take it from their caller, because buildpacks can write the file.
	Analyzed files.Analyzed `json:"analyzed"`
}

// analyze checks access to the images and writes analyzed.toml for the builder's
// phases (CNB Platform specification, "analyzer").
func analyze(ctx context.Context, j *job, in AnalyzeInput) (AnalyzeOutput, error) {
	inputs := j.inputs()
	inputs.OutputImageRef = in.Image
	inputs.AdditionalTags = in.Tags
	inputs.PreviousImageRef = in.PreviousImage
	inputs.RunImageRef = in.RunImage
	inputs.SkipLayers = in.SkipLayers
	var analyzer *phase.Analyzer
	var err error
	if in.Known != nil {
		analyzer, err = j.openKnownAnalyzer(ctx, inputs, in.Known)
	} else {
		analyzer, err = j.openAnalyzer(inputs, in.Platform)
	}
	if err != nil {
		return AnalyzeOutput{}, err
	}
	if _, err := analyzer.RunImage.TopLayer(); err != nil {
		return AnalyzeOutput{}, hint.Errorf("an app image is a run image with more layers; name one that has a layer with --run-image",
			"run image %s: %w", in.RunImage, err)
	}
	analyzed, err := j.analyzeBounded(analyzer)
	if err != nil {
		return AnalyzeOutput{}, err
	}
	if err := j.usePrevious(ctx, analyzer.PreviousImage, &analyzed, in.SkipLayers); err != nil {
		return AnalyzeOutput{}, err
	}
	return AnalyzeOutput{Analyzed: analyzed}, files.Handler.WriteAnalyzed(inputs.AnalyzedPath, &analyzed, j.log)
}

// openAnalyzer finds the images in their registries.
func (j *job) openAnalyzer(inputs *lifecycleplatform.LifecycleInputs, platform v1.Platform) (*phase.Analyzer, error) {
	var err error
	if inputs.OutputImageRef == "" {
		err = j.resolvePaths(inputs)
	} else {
		err = lifecycleplatform.ResolveInputs(lifecycleplatform.Analyze, inputs, j.log)
	}
	if err != nil {
		return nil, err
	}
	factory := phase.NewConnectedFactory(j.api, &cmd.BuildpackAPIVerifier{}, nil, files.Handler,
		&platformHandler{image.NewHandler(nil, j.keychain, "", false, nil), j, platform},
		registryHandler{j})
	analyzer, err := factory.NewAnalyzer(withoutSBOMs(*inputs), j.log)
	if err == nil && !analyzer.RunImage.Found() {
		err = fmt.Errorf("run image %s is not there", inputs.RunImageRef)
	}
	return analyzer, err
}

// openKnownAnalyzer looks at images that the phase was told of.
func (j *job) openKnownAnalyzer(ctx context.Context, inputs *lifecycleplatform.LifecycleInputs, images *KnownImages) (*phase.Analyzer, error) {
	if err := j.resolvePaths(inputs); err != nil {
		return nil, err
	}
	run, err := j.openKnown(ctx, images.Run.Name, &images.Run)
	if err != nil {
		return nil, err
	}
	previous, err := j.openKnown(ctx, cmp.Or(inputs.PreviousImageRef, inputs.OutputImageRef), images.Previous)
	if err != nil {
		return nil, err
	}
	// The factory makes what restores SBOMs; its type is the lifecycle's own.
	bare := withoutSBOMs(lifecycleplatform.LifecycleInputs{LayersDir: inputs.LayersDir})
	factory := phase.NewConnectedFactory(j.api, &cmd.BuildpackAPIVerifier{}, nil, files.Handler,
		image.NewHandler(nil, j.keychain, "", false, nil), image.NewRegistryHandler(j.keychain, nil))
	analyzer, err := factory.NewAnalyzer(bare, j.log)
	if err != nil {
		return nil, err
	}
	analyzer.RunImage, analyzer.PreviousImage = run, previous
	return analyzer, nil
}

// resolvePaths is lifecycleplatform.ResolveInputs where it has nothing to say
// about images.
func (j *job) resolvePaths(inputs *lifecycleplatform.LifecycleInputs) error {
	return errors.Join(lifecycleplatform.UpdatePlaceholderPaths(inputs, j.log), lifecycleplatform.ResolveAbsoluteDirPaths(inputs, j.log))
}

// inputs returns the lifecycle's inputs with the paths of an own root.
func (j *job) inputs() *lifecycleplatform.LifecycleInputs {
	inputs := lifecycleplatform.NewLifecycleInputs(j.api)
	inputs.AppDir = j.Paths.App
	inputs.LayersDir = j.Paths.Layers
	inputs.PlatformDir = j.Paths.Platform
	inputs.ExtendedDir = filepath.Join(j.Paths.State, extend.Dir) // where buildpacks cannot put anything
	inputs.UID, inputs.GID = j.Owner.UID, j.Owner.GID
	inputs.ExecEnv = j.ExecEnv
	return inputs
}
