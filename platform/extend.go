package platform

import (
	"context"
	"strings"

	"github.com/buildpacks/lifecycle/api"
	"github.com/buildpacks/lifecycle/platform/files"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/extend"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// speaks reports whether builder and pack-cache speak a Platform API.
func (r *resolved) speaks(version string) bool {
	v, err := api.NewVersion(r.api)
	return err == nil && v.AtLeast(version)
}

// followRunImage does what extensions want of the run image: use another one, or
// change it.
func (b *build) followRunImage(ctx context.Context, ext *extensions, analyzed files.Analyzed) error {
	if analyzed.RunImage == nil {
		return nil
	}
	wanted := analyzed.RunImage.Image
	if wanted == "" {
		wanted = analyzed.RunImage.Reference
	}
	switched := wanted != b.runImage && wanted != b.result.RunImage
	if !switched && len(ext.run) == 0 {
		return nil
	}
	if err := b.mayUseRunImage(ctx, wanted, switched); err != nil {
		return err
	}
	if ext.switched = switched; switched {
		b.Progress.Info("Image extensions switch the run image to " + wanted)
		if err := b.switchRunImage(ctx, wanted); err != nil {
			return err
		}
	}
	ext.runImage = &phases.RunImage{Name: b.runImage, Reference: b.result.RunImage, Extended: len(ext.run) > 0}
	used := &files.RunImage{Reference: b.result.RunImage, Extend: len(ext.run) > 0}
	if b.speaks("0.12") {
		used.Image = b.runImage
	}
	b.analyzed.RunImage = used
	return nil
}

// mayUseRunImage fails if extensions of a builder that is not trusted want to
// look into an image, or have one published, that is not public. The user's
// credentials are not for a builder to choose with; --run-image is the user's own
// choice.
func (b *build) mayUseRunImage(ctx context.Context, wanted string, switched bool) error {
	if b.verdict.Trusted || !switched && b.RunImage != "" {
		return nil
	}
	ref, err := b.parse("run image", wanted)
	if err != nil {
		return err
	}
	_, err = remote.Head(ref, remote.WithContext(ctx), remote.WithAuth(authn.Anonymous), remote.WithTransport(b.transport()))
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return hint.Errorf("trust the builder, with `config trusted-builders add` or --trust-builder, if it may use your credentials for that",
		"image extensions of an untrusted builder want run image %s, which is not public: %w", wanted, err)
}

// switchRunImage makes another image the run image of this build.
func (b *build) switchRunImage(ctx context.Context, wanted string) error {
	ref, err := b.parse("run image", wanted)
	if err != nil {
		return err
	}
	if err := refuseSame([]purpose{{"run image", wanted, ref}}, b.outputs); err != nil {
		return err
	}
	b.runImage, b.runAnonymous = wanted, !b.verdict.Trusted
	if b.outlet != nil {
		if err := b.outlet.Close(); err != nil {
			return err
		}
	}
	if err := b.findRun(ctx, b.resolved, wanted, ref); err != nil {
		return err
	}
	b.result.RunImage = b.run.Reference
	if b.outlet == nil {
		b.known.Run, err = b.run.Known(false)
		return err
	}
	if err := b.openOutlet(ctx, b.resolved); err != nil {
		return err
	}
	b.known, err = b.outlet.Known()
	b.begin(ctx)
	return err
}

// extend applies the Dockerfiles of image extensions.
func (b *build) extend(ctx context.Context) error {
	both, ctx := errgroup.WithContext(ctx)
	if len(b.extensions.builder) > 0 {
		both.Go(func() error { return b.extendBuilder(ctx) })
	}
	if len(b.extensions.run) > 0 {
		both.Go(func() error { return b.extendRun(ctx) })
	}
	return both.Wait()
}

// extension is how Dockerfiles are applied.
func (b *build) extension(dockerfiles []lifecycle.Dockerfile) lifecycle.Extension {
	return lifecycle.Extension{
		Dockerfiles: dockerfiles, Proxies: lifecycle.WithProxies(nil, b.Environ), Network: b.Network,
	}
}

func (b *build) extendBuilder(ctx context.Context) error {
	b.Progress.Info("Extending the builder with " + strings.Join(ids(b.extensions.builder), ", "))
	log := b.Progress.Output("extend (build)")
	defer log.Close()
	extension := b.extension(b.extensions.builder)
	extension.Log = log
	configs, err := b.extensions.extender.ExtendBuilder(ctx, extension)
	if err != nil {
		return err
	}
	b.warn(extend.Users("build", b.extensions.builder, configs))
	b.plan = b.newPlan(b.resolved, configs[len(configs)-1].Config.Env)
	return nil
}

func (b *build) extendRun(ctx context.Context) error {
	b.Progress.Info("Extending run image " + b.runImage + " with " + strings.Join(ids(b.extensions.run), ", "))
	log := b.Progress.Output("extend (run)")
	defer log.Close()
	base := b.run.Image
	extension := b.extension(b.extensions.run)
	extension.Log = log
	made, configs, err := b.extensions.extender.ExtendImage(ctx, base, extension)
	if err != nil {
		return err
	}
	defer made.Close()
	b.warn(extend.Users("run", b.extensions.run, configs))
	img, err := extend.RunImage(base, made, b.extensions.run, configs)
	if err != nil {
		return err
	}
	config, err := base.ConfigFile()
	if err != nil {
		return err
	}
	return importArchive(ctx, b.place, lifecycle.VolumeState, extend.Layout(img, len(config.RootFS.DiffIDs)))
}

func (b *build) warn(messages []string) {
	for _, message := range messages {
		b.Progress.Warn(message)
	}
}
