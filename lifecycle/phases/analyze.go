package phases

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/buildpacks/lifecycle/cmd"
	"github.com/buildpacks/lifecycle/image"
	"github.com/buildpacks/lifecycle/phase"
	lifecycleplatform "github.com/buildpacks/lifecycle/platform"
	"github.com/buildpacks/lifecycle/platform/files"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// AnalyzeInput names the images that analyze looks at.
type AnalyzeInput struct {
	Image         string   `json:"image"`
	Tags          []string `json:"tags,omitempty"`
	PreviousImage string   `json:"previous_image"`
	RunImage      string   `json:"run_image"`
	// Platform is what the run image has to be for.
	Platform v1.Platform `json:"platform"`
	// SkipLayers leaves the previous image's layers alone (--clear-cache).
	SkipLayers bool `json:"skip_layers,omitempty"`
}

// AnalyzeOutput is what analyze found.
type AnalyzeOutput struct {
	// RunImage is the run image by digest.
	RunImage string `json:"run_image"`
	// PreviousImage is the previous image by digest, "" if there is none.
	PreviousImage string `json:"previous_image,omitempty"`
}

// analyze checks access to the images and writes analyzed.toml (CNB Platform
// specification, "analyzer").
func analyze(_ context.Context, j *job, in AnalyzeInput) (AnalyzeOutput, error) {
	inputs := j.inputs()
	inputs.OutputImageRef = in.Image
	inputs.AdditionalTags = in.Tags
	inputs.PreviousImageRef = in.PreviousImage
	inputs.RunImageRef = in.RunImage
	inputs.SkipLayers = in.SkipLayers
	if err := lifecycleplatform.ResolveInputs(lifecycleplatform.Analyze, inputs, j.log); err != nil {
		return AnalyzeOutput{}, err
	}
	factory := phase.NewConnectedFactory(j.api, &cmd.BuildpackAPIVerifier{}, nil, files.Handler,
		&platformHandler{image.NewHandler(nil, j.keychain, "", false, j.Insecure), j, in.Platform},
		image.NewRegistryHandler(j.keychain, j.Insecure))
	analyzer, err := factory.NewAnalyzer(*inputs, j.log)
	if err != nil {
		return AnalyzeOutput{}, err
	}
	if !analyzer.RunImage.Found() {
		return AnalyzeOutput{}, fmt.Errorf("run image %s is not there", in.RunImage)
	}
	analyzed, err := analyzer.Analyze()
	if err != nil {
		return AnalyzeOutput{}, err
	}
	if in.SkipLayers {
		analyzed.LayersMetadata = files.LayersMetadata{}
		analyzed.PreviousImage = nil
	}
	// Buildpacks may write to the layers directory; what decides about images
	// later is the copy that they cannot see.
	for _, path := range []string{inputs.AnalyzedPath, j.trustedAnalyzedPath()} {
		if err := files.Handler.WriteAnalyzed(path, &analyzed, j.log); err != nil {
			return AnalyzeOutput{}, err
		}
	}
	return AnalyzeOutput{RunImage: analyzed.RunImage.Reference, PreviousImage: analyzed.PreviousImageRef()}, nil
}

// trustedAnalyzedPath is the copy of analyzed.toml that no buildpack can write.
func (j *job) trustedAnalyzedPath() string { return filepath.Join(j.Paths.State, "analyzed.toml") }

// inputs returns the lifecycle's inputs with the paths of an own root.
func (j *job) inputs() *lifecycleplatform.LifecycleInputs {
	inputs := lifecycleplatform.NewLifecycleInputs(j.api)
	inputs.AppDir = j.Paths.App
	inputs.LayersDir = j.Paths.Layers
	inputs.PlatformDir = j.Paths.Platform
	inputs.UID, inputs.GID = j.Owner.UID, j.Owner.GID
	inputs.ExecEnv = j.ExecEnv
	inputs.InsecureRegistries = j.Insecure
	return inputs
}
