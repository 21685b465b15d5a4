package platform

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/builder/extra"
	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
	"github.com/pack-cache/pack-cache/platform/outlet"
	"github.com/pack-cache/pack-cache/platform/project"
	"github.com/pack-cache/pack-cache/trust"
)

// resolved is a build whose images are known by digest and whose builder has
// been judged.
type resolved struct {
	Options
	app      string // normalised
	previous string
	// names are those that the app image gets.
	names []purpose
	// project is what the project descriptor says; empty if there is none.
	project    *project.Descriptor
	builderRef name.Reference
	// builderFromProject is set when the descriptor named the builder.
	builderFromProject bool
	builder            *builder.Builder
	// extra are the buildpacks that were added to the builder, image is the
	// builder with them.
	extra   *extra.Additions
	image   v1.Image
	verdict trust.Verdict
	api     string
	// platform is what the images are for.
	platform v1.Platform
	runImage string
	// runAnonymous is set when the run image is read without the user's login.
	runAnonymous bool
	// run is the run image, and outlet where the app image goes if it is not
	// published. known is what phases are told of the run image and the previous one.
	run    *outlet.Source
	runRef name.Reference
	outlet appOutlet
	known  phases.KnownImages
	// apps reads app images that are published.
	apps *remote.Puller
	// imported is the grant for the caches, if they could be read.
	imported *trust.Grant
	daemon   lifecycle.Daemon // nil if there is none
	// kept are images in a daemon to let go of.
	kept []lifecycle.DaemonImage
	// outputs are the references that the build makes stand for something new.
	outputs []purpose
	imports []kinds.Import
	exports []kinds.Export
	// named is the place of the named cache among the imports, counted from 1 on;
	// 0 for none.
	named int
	// loans are the stores that phases borrow, and logins find the keys to those that
	// phases open themselves, by the IDs of their locations.
	loans  map[string]layers.Store
	logins map[string]kinds.Login
	plan   lifecycle.Plan
	paths  lifecycle.Paths
	// engines are those that may run the build, in the order of preference, and
	// engine is the one that does.
	engines []lifecycle.Engine
	engine  lifecycle.Engine
	traits  lifecycle.Traits // of engine
}

// resolve checks what the user asks for before anything is changed.
func (p *Platform) resolve(ctx context.Context, opts Options) (_ *resolved, err error) {
	r := &resolved{Options: opts, loans: map[string]layers.Store{}, logins: map[string]kinds.Login{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if r.platform, err = parsePlatform(opts.Platform); err != nil {
		return nil, err
	}
	if err := checkApp(opts.AppDir); err != nil {
		return nil, err
	}
	if err := r.checkWorkspace(); err != nil {
		return nil, err
	}
	r.paths.App = r.workspace()
	if err := p.checkVolumes(r); err != nil {
		return nil, err
	}
	if err := p.readProject(ctx, r); err != nil {
		return nil, err
	}
	if p.Config != nil && p.Config.LifecycleImage != "" {
		p.Progress.Info("lifecycle-image in " + p.Config.Path() + " is not used: the phases that it would run are pack-cache's own")
	}
	if r.engines, err = p.candidates(opts.Engine); err != nil {
		return nil, err
	}
	p.defaultBuilder(ctx, r)
	if err := p.checkReferences(ctx, r); err != nil {
		return nil, err
	}
	if err := p.checkPullPolicy(r); err != nil {
		return nil, err
	}
	if err := r.lend(ctx); err != nil {
		return nil, err
	}
	p.findDaemon(r)
	if r.engines, err = p.able(r.engines, opts, r.platform); err != nil {
		return nil, err
	}
	if err := p.checkOutput(ctx, r); err != nil {
		return nil, err
	}
	if err := p.resolveBuilder(ctx, r); err != nil {
		return nil, err
	}
	if err := p.addNamed(r); err != nil {
		return nil, err
	}
	if err := r.lend(ctx); err != nil {
		return nil, err
	}
	if err := p.chooseEngine(ctx, r); err != nil {
		return nil, err
	}
	if err := p.findImages(ctx, r); err != nil {
		return nil, err
	}
	r.plan = p.newPlan(r, r.builder.Env)
	return r, nil
}

// newPlan lays out the phases. env is the environment of the image that the
// builder's phases run in.
func (p *Platform) newPlan(r *resolved, env []string) lifecycle.Plan {
	return lifecycle.NewPlan(lifecycle.PlanInput{
		Early:       r.traits.Early,
		PlatformAPI: r.api,
		User:        r.user(),
		BuilderEnv:  lifecycle.WithProxies(env, p.Environ),
		OwnEnv:      lifecycle.OwnEnv(p.Environ),
		ExecEnv:     r.ExecEnv,
		NoSystem:    r.DisableSystemBuildpacks,
		Mounts:      r.Volumes,
		Network:     r.Network,
		LogLevel:    logLevel(r.Verbose),
		NoColor:     r.NoColor,
		Paths:       r.paths,
	})
}

// begin starts what need not wait for the app image.
func (r *resolved) begin(ctx context.Context) {
	if r.outlet != nil {
		r.outlet.Begin(ctx)
	}
}

// close lets go of what resolve has opened.
func (r *resolved) close() error {
	var all []error
	if r.outlet != nil {
		all = append(all, r.outlet.Close())
	}
	if r.extra != nil {
		all = append(all, r.extra.Close())
	}
	for _, img := range r.kept {
		all = append(all, img.Close())
	}
	for _, store := range r.loans {
		if closer, ok := store.(io.Closer); ok {
			all = append(all, closer.Close())
		}
	}
	return errors.Join(all...)
}

// checkApp fails unless path is a directory that can be read, or a zip file.
func checkApp(path string) error {
	const way = "name the directory with the application's source, or a zip file of it, with --path"
	if _, err := os.ReadDir(path); err != nil {
		if info, statErr := os.Stat(path); statErr == nil && info.Mode().IsRegular() {
			if isZip(path) {
				return nil
			}
			err = errors.New("neither a directory nor a zip file")
		}
		if failed, ok := errors.AsType[*fs.PathError](err); ok {
			err = failed.Err
		}
		return hint.Usagef(way, "application path %s: %v", path, err)
	}
	return nil
}

const noBuilderHint = "a builder is an image made by `pack builder create` or by a buildpacks project; check the reference"

func (p *Platform) resolveBuilder(ctx context.Context, r *resolved) error {
	img, err := p.builderImage(ctx, r)
	if err != nil {
		return err
	}
	if r.builder, err = builder.Inspect(img); err != nil {
		return p.builderError(ctx, r, err)
	}
	if err := r.fits(r.builder.Target); err != nil {
		return fmt.Errorf("builder %s: %w", r.Builder, err)
	}
	if r.api, err = r.builder.PlatformAPI(); err != nil {
		return fmt.Errorf("builder %s: %w", r.Builder, err)
	}
	if err := p.addBuildpacks(ctx, r); err != nil {
		return err
	}
	r.verdict = trust.Judge(r.judged(), r.builder.Digest, trust.JudgeInput{
		Listed: p.Config.Trusted(), TrustBuilderFlag: r.TrustBuilder, FromProject: r.builderFromProject,
		ExtraBuildpacksUntrusted: len(r.extra.Outside) > 0 && !r.TrustExtraBuildpacks,
	})
	p.Progress.Info(fmt.Sprintf("Builder %s, %s", r.builderName(), r.verdict.Reason))
	if len(r.Volumes) > 0 && !r.verdict.Trusted {
		p.Progress.Warn("--volume: this untrusted builder can read what is mounted")
	}
	return nil
}

// builderError says what was wrong with a builder that was found: the registry, or
// what it is.
func (p *Platform) builderError(ctx context.Context, r *resolved, err error) error {
	if errors.Is(err, builder.ErrNotABuilder) || errors.Is(err, bounds.ErrExceeded) {
		if hint.Of(err) == "" {
			err = hint.With(noBuilderHint, err)
		}
		return fmt.Errorf("builder %s: %w", r.Builder, err)
	}
	return p.builderUnnamed(r, p.remoteError(ctx, "builder", r.builderRef, err))
}

// judged is the reference that the lists of trusted builders are asked about. A
// builder that is pinned as REPOSITORY:TAG@DIGEST is as trusted as its tag.
func (r *resolved) judged() name.Reference {
	written, _, pinned := strings.Cut(r.Builder, "@")
	if !pinned || !strings.Contains(path.Base(written), ":") {
		return r.builderRef
	}
	tag, err := r.parse("builder", written)
	if err != nil {
		return r.builderRef
	}
	return tag
}

func (r *resolved) user() lifecycle.User {
	return lifecycle.User{UID: r.builder.UID, GID: r.builder.GID}
}

// owner is whom the files in the app image's layers belong to.
func (r *resolved) owner() lifecycle.User {
	owner := r.user()
	if r.UID != nil {
		owner.UID = *r.UID
	}
	if r.GID != nil {
		owner.GID = *r.GID
	}
	return owner
}

func (r *resolved) target() layers.Target {
	t := r.builder.Target
	return layers.Target{OS: t.OS, Architecture: t.Architecture, Variant: t.Variant, DistroName: t.DistroName, DistroVersion: t.DistroVersion}
}

func logLevel(verbose bool) string {
	if verbose {
		return "debug"
	}
	return "info"
}
