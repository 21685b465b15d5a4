package phases

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"

	"github.com/buildpacks/imgutil"
	"github.com/buildpacks/lifecycle/cmd"
	"github.com/buildpacks/lifecycle/image"
	"github.com/buildpacks/lifecycle/phase"
	lifecycleplatform "github.com/buildpacks/lifecycle/platform"
	"github.com/buildpacks/lifecycle/platform/files"

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
	// SkipLayers leaves the SBOMs of the previous image alone (--clear-cache).
	SkipLayers bool `json:"skip_layers,omitempty"`
	// Known are the images.
	Known KnownImages `json:"known"`
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
	if err := j.resolvePaths(inputs); err != nil {
		return AnalyzeOutput{}, err
	}
	if in.Known.Registry {
		if err := j.checkAccess(ctx, in); err != nil {
			return AnalyzeOutput{}, err
		}
	}
	analyzer, err := j.openAnalyzer(ctx, inputs, in)
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

// openAnalyzer looks at the images that the phase was told of.
func (j *job) openAnalyzer(ctx context.Context, inputs *lifecycleplatform.LifecycleInputs, in AnalyzeInput) (*phase.Analyzer, error) {
	run, err := openKnown(in.Known.Run.Name, &in.Known.Run, nil)
	if err != nil {
		return nil, err
	}
	previous, err := j.openPrevious(ctx, cmp.Or(in.PreviousImage, in.Image), &in.Known)
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

// openPrevious opens the previous image. One in a registry has to have all of its
// layers, for the build may use them again.
func (j *job) openPrevious(ctx context.Context, name string, known *KnownImages) (imgutil.Image, error) {
	read := j.reader(ctx, known)
	previous, err := openKnown(name, known.Previous, read)
	if known.Registry && err != nil {
		j.log.Infof("Ignoring image %q because it was corrupt", name)
		return openKnown(name, nil, nil)
	}
	if err == nil && known.Registry && known.Previous != nil {
		previous.lost = j.checkLayers(ctx, known.Previous.Reference, previous)
	}
	return previous, err
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
