package phases

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/buildpacks/lifecycle/buildpack"
	"github.com/buildpacks/lifecycle/image"
	lifecyclelayers "github.com/buildpacks/lifecycle/layers"
	"github.com/buildpacks/lifecycle/log"
	"github.com/buildpacks/lifecycle/phase"
	lifecycleplatform "github.com/buildpacks/lifecycle/platform"
	"github.com/buildpacks/lifecycle/platform/files"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/internal/removal"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// ExportInput says what to publish and where to keep the cache.
type ExportInput struct {
	// Image is the app image; "" keeps the cache alone.
	Image          string     `json:"image"`
	Tags           []string   `json:"tags,omitempty"`
	DefaultProcess string     `json:"default_process,omitempty"`
	Created        *time.Time `json:"created,omitempty"`
	// LauncherVersion is the version of the builder's lifecycle.
	LauncherVersion string `json:"launcher_version,omitempty"`
	// Project says where the source comes from, for the image's label. What
	// buildpacks may have left of it is not asked.
	Project files.ProjectMetadata `json:"project"`
	// Analyzed is what analyze has found.
	Analyzed files.Analyzed `json:"analyzed"`
	// RunImage is the run image that the user has named, for the image's label; ""
	// leaves that to the builder.
	RunImage string `json:"run_image,omitempty"`
	// SBOM leaves SBOMFile behind.
	SBOM bool `json:"sbom,omitempty"`

	Imports []kinds.Import `json:"imports,omitempty"`
	Exports []kinds.Export `json:"exports,omitempty"`
	Target  layers.Target  `json:"target"`
	// ClearCache forgets what the exports hold.
	ClearCache bool `json:"clear_cache,omitempty"`
	// AppOnly saves no cache. Exports say still whether the image is one.
	AppOnly bool `json:"app_only,omitempty"`
	// Known are the images that the app image is made of.
	Known KnownImages `json:"known"`
}

// ExportOutput says what was published and kept.
type ExportOutput struct {
	// Saved is how the app image is known.
	Saved
	// Seconds is how long the export of the app image took.
	Seconds float64       `json:"seconds"`
	Caches  []SaveOutcome `json:"caches,omitempty"`
}

// export publishes the app image and saves the cache, side by side (CNB
// Platform specification, "exporter").
func export(ctx context.Context, j *job, in ExportInput) (ExportOutput, error) {
	if in.Image == "" {
		return exportCache(ctx, j, in)
	}
	inputs := j.inputs()
	inputs.RunImageRef = in.Analyzed.RunImageRef()
	inputs.OutputImageRef, inputs.AdditionalTags = in.Image, in.Tags
	inputs.DefaultProcessType = in.DefaultProcess
	if err := resolveExportInputs(inputs, !in.Known.Registry, j.log); err != nil {
		return ExportOutput{}, err
	}
	if err := checkBuilderFiles(lifecycle.CNBDir); err != nil {
		return ExportOutput{}, err
	}
	group, err := j.builtGroup(inputs.GroupPath)
	if err != nil {
		return ExportOutput{}, err
	}
	var out ExportOutput
	both, ctx := errgroup.WithContext(ctx)
	published := make(chan struct{})
	both.Go(func() error {
		started := time.Now()
		report, err := j.exportApp(ctx, inputs, group, in)
		out.Saved = Saved{Digest: report.Image.Digest, ID: report.Image.ImageID}
		if err == nil && in.Known.Registry {
			_, err = j.link.ask(ctx, question{Published: out.Digest})
		}
		out.Seconds = time.Since(started).Seconds()
		if err == nil {
			close(published)
		}
		return err
	})
	both.Go(func() error {
		// The lifecycle restores launch layers only if the app image has them,
		// so a cache must never be newer than the image.
		saved, err := j.saveCaches(ctx, group, in, func(ctx context.Context) (string, error) {
			select {
			case <-published:
				return out.Digest, nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		})
		out.Caches = saved
		return err
	})
	return out, both.Wait()
}

// exportCache saves the cache when there is no app image that it could be newer
// than. The next build restores of it what the lifecycle thinks fit: layers that
// are not for launch, and from Platform API 0.14 on launch layers that its
// previous app image does not have.
func exportCache(ctx context.Context, j *job, in ExportInput) (ExportOutput, error) {
	inputs := j.inputs()
	if err := j.resolvePaths(inputs); err != nil {
		return ExportOutput{}, err
	}
	group, err := j.builtGroup(inputs.GroupPath)
	if err != nil {
		return ExportOutput{}, err
	}
	saved, err := j.saveCaches(ctx, group, in, func(context.Context) (string, error) { return "", nil })
	return ExportOutput{Caches: saved}, err
}

// artifactsPrefix begins the name of the directory in which export makes layers.
const artifactsPrefix = "export-"

// resolveExportInputs is lifecycleplatform.ResolveInputs without the checks of
// the lifecycle's own caches, which warns that there is none. What an app image
// is called that goes to Apps is not the phase's affair.
func resolveExportInputs(inputs *lifecycleplatform.LifecycleInputs, apps bool, logger log.Logger) error {
	operations := []lifecycleplatform.LifecycleInputsOperation{
		lifecycleplatform.UpdatePlaceholderPaths,
		lifecycleplatform.ResolveAbsoluteDirPaths,
		lifecycleplatform.ValidateOutputImageProvided,
	}
	if !apps {
		operations = append(operations, lifecycleplatform.ValidateImageRefs, lifecycleplatform.ValidateTargetsAreSameRegistry)
	}
	for _, resolve := range operations {
		if err := resolve(inputs, logger); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) exportApp(ctx context.Context, inputs *lifecycleplatform.LifecycleInputs, group buildpack.Group, in ExportInput) (files.Report, error) {
	artifacts, err := os.MkdirTemp(j.Paths.State, artifactsPrefix)
	if err != nil {
		return files.Report{}, err
	}
	defer removal.Path(artifacts)
	analyzed := in.Analyzed
	// The lifecycle reads it by its path.
	inputs.AnalyzedPath = filepath.Join(artifacts, "analyzed.toml")
	if err := files.Handler.WriteAnalyzed(inputs.AnalyzedPath, &analyzed, j.log); err != nil {
		return files.Report{}, err
	}
	extended, err := extendedConfig(inputs, analyzed)
	if err != nil {
		return files.Report{}, err
	}
	var saved Saved
	working, err := j.openWorkingImage(ctx, analyzed, in, extended, &saved)
	if err != nil {
		return files.Report{}, err
	}
	if err := markInline(working, in); err != nil {
		return files.Report{}, err
	}
	runImage, err := labelledRunImage(inputs, in.RunImage)
	if err != nil {
		return files.Report{}, err
	}
	exporter := &phase.Exporter{
		Buildpacks: group.Group,
		LayerFactory: &appLayers{
			Factory:  &lifecyclelayers.Factory{ArtifactsDir: artifacts, UID: j.Owner.UID, GID: j.Owner.GID, Logger: j.log},
			ctx:      ctx,
			previous: analyzed.LayersMetadata,
			place:    layers.Built{LayersDir: j.Paths.Layers, StateDir: j.Paths.State, UID: j.Owner.UID, GID: j.Owner.GID, Parent: j.nameParent},
		},
		Logger:      j.log,
		PlatformAPI: j.api,
	}
	report, err := exporter.Export(phase.ExportOptions{
		WorkingImage:       working,
		AdditionalNames:    in.Tags,
		ExtendedDir:        inputs.ExtendedDir,
		AppDir:             inputs.AppDir,
		LayersDir:          inputs.LayersDir,
		OrigMetadata:       analyzed.LayersMetadata,
		LauncherConfig:     launcherConfig(inputs, in.LauncherVersion),
		DefaultProcessType: in.DefaultProcess,
		ExecEnv:            inputs.ExecEnv,
		RunImageRef:        inputs.RunImageRef,
		RunImageForExport:  runImage,
		Project:            in.Project,
	})
	if err != nil {
		return files.Report{}, err
	}
	if !in.Known.Registry {
		report.Image.Digest, report.Image.ImageID = saved.Digest, saved.ID
	}
	if in.SBOM {
		if err := j.archiveSBOM(); err != nil {
			return files.Report{}, fmt.Errorf("keep the SBOM: %w", err)
		}
	}
	return report, files.Handler.WriteReport(filepath.Join(j.Paths.State, ReportFile), &report)
}

// extendedConfig is the config that image extensions have left to the run image,
// nil if they have not changed it.
func extendedConfig(inputs *lifecycleplatform.LifecycleInputs, analyzed files.Analyzed) (*v1.Config, error) {
	if analyzed.RunImage == nil || !analyzed.RunImage.Extend {
		return nil, nil
	}
	extended, _, err := image.FromLayoutPath(filepath.Join(inputs.ExtendedDir, "run"))
	if err != nil {
		return nil, err
	}
	if extended == nil {
		return nil, errors.New("the run image has not been extended")
	}
	config, err := extended.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("extended run image: %w", err)
	}
	return &config.Config, nil
}

func launcherConfig(inputs *lifecycleplatform.LifecycleInputs, version string) phase.LauncherConfig {
	return phase.LauncherConfig{
		Path:     inputs.LauncherPath,
		SBOMDir:  inputs.LauncherSBOMDir,
		Metadata: files.LauncherMetadata{Version: version},
	}
}
