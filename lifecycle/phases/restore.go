package phases

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/buildpacks/lifecycle/buildpack"
	"github.com/buildpacks/lifecycle/cmd"
	"github.com/buildpacks/lifecycle/phase"
	lifecycleplatform "github.com/buildpacks/lifecycle/platform"
	"github.com/buildpacks/lifecycle/platform/files"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
)

// RestoreInput says where to restore cached layers from.
type RestoreInput struct {
	Imports []kinds.Import `json:"imports,omitempty"`
	Target  layers.Target  `json:"target"`
	// SkipLayers restores nothing (--clear-cache).
	SkipLayers bool `json:"skip_layers,omitempty"`
	// KeepFrames is that of layers.RestoreOptions.
	KeepFrames bool `json:"keep_frames,omitempty"`
	// Early says that the phase may begin before detect, and has a stage to fetch
	// layers into (lifecycle.StageDir).
	Early bool `json:"early,omitempty"`
	// Again says that the phase takes the place of one that has died, and removes
	// what that has left.
	Again bool `json:"again,omitempty"`
	// Known are the images that the app image is made of.
	Known KnownImages `json:"known"`
}

// RestoreOutput says what became of every import and every layer.
type RestoreOutput struct {
	Imports []ImportOutcome `json:"imports,omitempty"`
	Layers  []LayerRestored `json:"layers,omitempty"`
}

// LayerRestored is what became of one layer that a cache held for this build.
type LayerRestored struct {
	Layer    string `json:"layer"`
	From     string `json:"from,omitempty"`
	Restored bool   `json:"restored"`
	// Failed is set when the lifecycle wanted the layer and did not get it.
	Failed bool `json:"failed,omitempty"`
	// NoRoom is set when that was for lack of room, Denied for lack of rights.
	NoRoom bool `json:"no_room,omitempty"`
	Denied bool `json:"denied,omitempty"`
	// Reason says why it was not restored, or not from an earlier import that
	// has it, too.
	Reason   string  `json:"reason,omitempty"`
	Received int64   `json:"received_bytes"`
	Size     int64   `json:"size_bytes"`
	Seconds  float64 `json:"seconds"`
}

// restore brings back the metadata of launch layers and the content of cached
// layers (CNB Platform specification, "restorer"). Which layers are wanted is
// the lifecycle's decision; their data goes through package layers.
//
// The phase may be started before the buildpacks have been detected. It begins with
// fetching then, and asks its caller when it can go on.
func restore(ctx context.Context, j *job, in RestoreInput) (_ RestoreOutput, err error) {
	var found imported
	if !in.SkipLayers {
		found = j.loadImports(ctx, in.Imports, in.Target)
		defer found.Close()
	}
	options := layers.RestoreOptions{StateDir: j.Paths.State, KeepFrames: in.KeepFrames}
	early := j.fetchEarly(found, options, in.Early)
	defer func() { err = errors.Join(err, early.close()) }()
	a, err := j.link.ask(ctx, question{Detected: true})
	if err == nil && a.Detected == nil {
		err = errors.New("the result of detect is missing")
	}
	if err != nil {
		return RestoreOutput{}, err
	}
	if err := j.leftByDetect(in.Early, in.Again); err != nil {
		return RestoreOutput{}, err
	}
	inputs := j.inputs()
	if err := lifecycleplatform.ResolveInputs(lifecycleplatform.Build, inputs, j.log); err != nil {
		return RestoreOutput{}, err
	}
	group, err := j.readGroup(inputs.GroupPath)
	if err != nil {
		return RestoreOutput{}, err
	}
	analyzed := a.Detected.Analyzed
	if a.Detected.RunImage != nil {
		if err := j.useRunImage(*a.Detected.RunImage, in.Known, inputs.AnalyzedPath, analyzed); err != nil {
			return RestoreOutput{}, err
		}
	}
	early.keep(func(id layers.LayerID) bool {
		return slices.ContainsFunc(group.Group, func(bp buildpack.GroupElement) bool { return bp.ID == id.Buildpack })
	})
	cache := newCacheReader(ctx, found, j.Paths.Layers, options, early)
	restorer := &phase.Restorer{
		LayersDir:      j.Paths.Layers,
		Buildpacks:     group.Group,
		Logger:         j.log,
		PlatformAPI:    j.api,
		LayersMetadata: analyzed.LayersMetadata,
	}
	if err := restorer.Restore(cache); err != nil {
		return RestoreOutput{}, err
	}
	if err := ctx.Err(); err != nil {
		return RestoreOutput{}, err
	}
	if err := j.restoreSBOMs(group, cache); err != nil {
		return RestoreOutput{}, err
	}
	if err := cache.removeFailed(); err != nil {
		return RestoreOutput{}, err
	}
	found.conclude()
	return RestoreOutput{Imports: found.outcomes, Layers: cache.report(group, analyzed.LayersMetadata)}, nil
}

// readGroup reads the detected group and checks that its buildpacks can be
// built with. The file has been looked at (leftByDetect, builtGroup).
func (j *job) readGroup(path string) (buildpack.Group, error) {
	group, err := files.Handler.ReadGroup(path)
	if err != nil {
		return buildpack.Group{}, err
	}
	for _, bp := range group.Group {
		if err := CheckID(bp.ID); err != nil {
			return buildpack.Group{}, fmt.Errorf("%s: %w", path, err)
		}
		if err := cmd.VerifyBuildpackAPI(bp.Kind(), bp.String(), bp.API, j.log); err != nil {
			return buildpack.Group{}, err
		}
	}
	return group, nil
}
