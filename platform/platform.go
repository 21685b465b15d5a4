package platform

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/buildpacks/lifecycle/platform/files"
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
	"github.com/pack-cache/pack-cache/platform/config"
)

// Platform runs builds. Its fields must be set before the first build; it is
// safe for concurrent use after that.
type Platform struct {
	// Engines are what --engine can choose from, in the order of preference.
	Engines []lifecycle.Engine
	// Config is the user's config.toml.
	Config *config.File
	// Keychain has the user's registry credentials.
	Keychain authn.Keychain
	// Environ is the environment of the process, as KEY=VALUE.
	Environ  []string
	Progress progress.Reporter
}

// Build turns source into an app image, brings it where it belongs and keeps the
// cache; with ToNowhere, it keeps the cache alone.
//
// A Result is returned with a nil error, and with an error that says that the
// image was built but its cache not saved (*CacheNotSavedError). All other
// errors mean that neither the app image nor a cache has changed, unless the
// failing phase was export; a cache never changes before the app image.
func (p *Platform) Build(ctx context.Context, opts Options) (*Result, error) {
	started := time.Now()
	ctx = p.patience(ctx, opts.Rule)
	result, err := p.attempt(ctx, opts, started)
	if full, ok := errors.AsType[*outOfMemoryError](err); ok && ctx.Err() == nil {
		p.Progress.Warn(fmt.Sprintf("the build's files did not fit into memory (%v): building again on disk, as with --on-disk", full.error))
		opts.OnDisk = true
		return p.attempt(ctx, opts, started)
	}
	return result, err
}

// outOfMemoryError says that a build failed that might work on disk.
type outOfMemoryError struct{ error }

// Unwrap returns what failed.
func (e *outOfMemoryError) Unwrap() error { return e.error }

// ranOutOfMemory tells whether err is, or may well be, due to volumes in memory.
func ranOutOfMemory(place lifecycle.Place, err error) bool {
	facts := place.Facts()
	if !facts.InMemory {
		return false
	}
	failed, ok := errors.AsType[*phases.Error](err)
	_, full := errors.AsType[*lifecycle.NoRoomError](err)
	return ok && failed.NoRoom || full || facts.OutOfMemory
}

// attempt is Build, which may be tried again after an *outOfMemoryError.
func (p *Platform) attempt(ctx context.Context, opts Options, started time.Time) (*Result, error) {
	r, err := p.resolve(ctx, opts)
	if err != nil {
		return nil, withRoomHint(nil, err)
	}
	defer r.close()
	r.begin(ctx)
	place, err := p.open(ctx, r)
	if err != nil {
		return nil, withRoomHint(nil, err)
	}
	defer p.closePlace(place)
	b := &build{Platform: p, resolved: r, place: place, result: newResult(r, started)}
	if r.Output.To == ToDaemon {
		b.result.Output.At = r.daemon.String()
	}
	if err := b.runPhases(ctx); err != nil {
		if ranOutOfMemory(place, err) {
			err = &outOfMemoryError{err}
		}
		return nil, withRoomHint(place, err)
	}
	return b.result, b.result.cacheNotSaved(opts.CacheRequired || opts.Output.To == ToNowhere)
}

// closePlace removes what a build has left on the machine.
func (p *Platform) closePlace(place lifecycle.Place) {
	if err := place.Close(); err != nil {
		p.Progress.Warn(fmt.Sprintf("not everything of the build could be removed: %v", err))
	}
}

// runPhases runs one after the other, and restore beside those before it where it
// can be.
func (b *build) runPhases(ctx context.Context) error {
	if b.traits.Early {
		b.restoring = b.beginRestore(ctx)
		defer b.restoring.stop()
	}
	if err := b.phase(ctx, lifecycle.Analyze, b.analyze); err != nil {
		return err
	}
	if err := b.result.prepare(func() error { return b.place.Ready(ctx) }); err != nil {
		return b.notOpened(err)
	}
	if err := b.phase(ctx, lifecycle.Detect, b.detect); err != nil {
		return err
	}
	if err := b.phase(ctx, lifecycle.Restore, b.restore); err != nil {
		return err
	}
	if b.extensions != nil {
		if err := b.phase(ctx, lifecycle.Extend, b.extend); err != nil {
			return err
		}
	}
	if err := b.phase(ctx, lifecycle.Build, b.build); err != nil {
		return err
	}
	return b.phase(ctx, lifecycle.Export, b.export)
}

// phase runs a phase under its heading, such as ANALYZING, and notes how long it
// took.
func (b *build) phase(ctx context.Context, name lifecycle.Name, run func(context.Context) error) error {
	b.Progress.Step(strings.ToUpper(strings.TrimSuffix(string(name), "e")) + "ING")
	return b.result.time(name, func() error { return run(ctx) })
}

// build is one run of the phases.
type build struct {
	*Platform
	*resolved
	place  lifecycle.Place
	result *Result
	// readable are the imports that restore could read. Those that it could not
	// are not waited for again.
	readable []kinds.Import
	// gaveUp are the servers of caches that were waited for in vain.
	gaveUp map[string]bool
	// analyzed is what analyze has found, once it is checked. Later phases are
	// told of it, because nothing that lies beside a buildpack can be believed.
	analyzed files.Analyzed
	// extensions are set by detect, if there are any.
	extensions *extensions
	// restoring is the restore phase, if it was started before its turn.
	restoring *restoring
}

func (b *build) analyze(ctx context.Context) error {
	var out phases.AnalyzeOutput
	err := own(ctx, b, lifecycle.Analyze, b.analyzeScope(), phases.AnalyzeInput{
		Image:         b.app,
		Tags:          b.Tags,
		PreviousImage: b.previous,
		RunImage:      b.runImage,
		SkipLayers:    b.ClearCache,
		Known:         b.known,
	}, &out)
	if err == nil {
		err = b.checkAnalyzed(out.Analyzed)
	}
	if err != nil {
		return err
	}
	b.analyzed, b.result.RunImage = out.Analyzed, out.Analyzed.RunImageRef()
	return nil
}

func (b *build) detect(ctx context.Context) error {
	if err := b.builders(ctx, lifecycle.Detect); err != nil {
		return err
	}
	group, err := b.readGroup(ctx)
	if err != nil {
		return err
	}
	if err := group.checkAPIs(); err != nil {
		return err
	}
	b.extensions, err = b.findExtensions(ctx, group)
	return err
}

func (b *build) restore(ctx context.Context) error {
	if b.restoring == nil {
		b.restoring = b.beginRestore(ctx)
		defer b.restoring.stop()
	}
	out, err := b.restoring.finish()
	if died(ctx, err) && !ranOutOfMemory(b.place, err) {
		out, err = b.restoreNothing(ctx, err)
	}
	if err != nil {
		return err
	}
	for i, at := range out.Imports {
		if at.Digest != "" && !at.GaveUp {
			b.readable = append(b.readable, b.imports[i])
		}
	}
	b.noteGivenUp(out.Imports)
	b.result.restored(out)
	b.reportImports(out.Imports)
	b.reportRestored(out.Layers)
	if err := b.unprimed(out.Imports); err != nil {
		return err
	}
	return cacheNotRead(out, b.CacheRequired)
}

func (b *build) build(ctx context.Context) error {
	return b.builders(ctx, lifecycle.Build)
}

func (b *build) export(ctx context.Context) error {
	var out phases.ExportOutput
	in := phases.ExportInput{
		Image:           b.app,
		Tags:            b.Tags,
		DefaultProcess:  b.DefaultProcess,
		Created:         b.Created,
		LauncherVersion: b.builder.Lifecycle,
		Imports:         b.readable,
		Exports:         b.patientExports(),
		Target:          b.target(),
		ClearCache:      b.ClearCache,
		SBOM:            b.SBOMDir != "",
		Project:         b.projectMetadata(b.resolved),
		Analyzed:        b.analyzed,
		RunImage:        b.labelledRunImage(),
		Known:           b.known,
	}
	err := own(ctx, b, lifecycle.Export, b.exportScope(), in, &out, b.using(in.Imports, in.Exports), b.publishing)
	if died(ctx, err) && !ranOutOfMemory(b.place, err) {
		out, err = b.exportApp(ctx, in, err)
	}
	if err != nil {
		return err
	}
	b.result.exported(out)
	b.reportSaved(out.Caches)
	if b.Output.To == ToNowhere {
		b.reportPrimed()
		return nil
	}
	return b.fetchArtifacts(ctx)
}
