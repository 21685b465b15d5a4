package platform

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/platform/outlet"
)

// need is an image that the build reads.
type need struct {
	// what is what it is for, as errors call it.
	what string
	ref  name.Reference
	// anonymous leaves the user's login out.
	anonymous bool
}

// access is how the main process itself talks to registries.
func (p *Platform) access(ctx context.Context, r *resolved) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx), remote.WithAuthFromKeychain(p.Keychain),
		remote.WithTransport(r.transport()),
		// The transport repeats.
		remote.WithRetryStatusCodes(), remote.WithRetryPredicate(func(error) bool { return false }),
	}
}

// pull reads the image of a reference that is for the platform of the
// build, from the mirror of its registry if it has one.
func (p *Platform) pull(ctx context.Context, r *resolved, wanted need) (v1.Image, error) {
	what, named := wanted.what, wanted.ref
	ref, err := p.mirrored(r, named)
	if err != nil {
		return nil, err
	}
	p.reportMirror(named, ref)
	found, err := remote.Get(ref, append(p.accessTo(ctx, r, wanted.anonymous), remote.WithPlatform(r.platform))...)
	if err != nil {
		return nil, p.remoteError(ctx, what, ref, err)
	}
	img, err := found.Image()
	if _, answered := errors.AsType[*transport.Error](err); err != nil && found.MediaType.IsIndex() && !answered && ctx.Err() == nil {
		return nil, hint.Errorf(fmt.Sprintf("build on a machine that the %s is made for, or choose a %s for %s", what, what, r.platform.String()),
			"%s %s: %w", what, ref, err)
	}
	if err != nil {
		return nil, p.remoteError(ctx, what, ref, err)
	}
	return img, nil
}

// findRun finds the run image: in the daemon only for an app image that goes there.
func (p *Platform) findRun(ctx context.Context, r *resolved, written string, ref name.Reference) error {
	find := p.pull
	if r.Output.To == ToDaemon {
		find = p.have
	}
	img, err := find(ctx, r, need{what: "run image", ref: ref, anonymous: r.runAnonymous})
	if err != nil {
		return err
	}
	if r.run, err = sourceOf(written, ref, img); err != nil {
		return p.remoteError(ctx, "run image", ref, err)
	}
	r.runRef = ref
	return nil
}

// sourceOf describes an image that an app image is made of. What only a daemon
// has is known by its id.
func sourceOf(written string, ref name.Reference, img v1.Image) (*outlet.Source, error) {
	if kept, ok := img.(lifecycle.DaemonImage); ok {
		source := &outlet.Source{Name: written, Reference: kept.ID(), Image: img}
		for _, digest := range kept.Digests() {
			if known, err := name.NewDigest(digest, name.WeakValidation); err == nil && known.Context().Name() == ref.Context().Name() {
				source.Reference = known.Name()
			}
		}
		return source, nil
	}
	digest, err := img.Digest()
	if err != nil {
		return nil, err
	}
	if _, err := bounds.Config(img); err != nil {
		return nil, err
	}
	return &outlet.Source{Name: written, Reference: ref.Context().Digest(digest.String()).Name(), Image: img, Exact: true}, nil
}

// resolveRunImage finds the run image and makes sure that it can be read.
func (p *Platform) resolveRunImage(ctx context.Context, r *resolved) error {
	read := func(ctx context.Context, image string) error {
		named, err := r.parse("run image", image)
		if err != nil {
			return err
		}
		return p.findRun(ctx, r, image, named)
	}
	readable := func(ctx context.Context, image string) error {
		r.runAnonymous = !p.userNamed(r, image)
		return r.notNamed(image, read(ctx, image))
	}
	chosen, err := r.RunImage, error(nil)
	if chosen != "" {
		err = readable(ctx, chosen)
	} else {
		chosen, err = p.chooseRunImage(ctx, r, readable)
	}
	if err != nil {
		return err
	}
	named, err := r.parse("run image", chosen)
	if err != nil {
		return err
	}
	ref := named
	if r.runImage = chosen; r.Output.To == ToRegistry {
		if ref, err = p.mirrored(r, named); err != nil {
			return err
		}
	}
	if ref.Name() != named.Name() { // phases read it there, too
		r.runImage = ref.Name()
		if r.run, err = sourceOf(r.runImage, ref, r.run.Image); err != nil {
			return err
		}
	}
	return refuseSame([]purpose{{"run image", r.runImage, ref}}, r.outputs)
}

// chooseRunImage finds the one of the builder's run images that is nearest: in
// the registry that the app image goes to, or else in the builder's.
func (p *Platform) chooseRunImage(ctx context.Context, r *resolved, readable func(context.Context, string) error) (string, error) {
	near := r.builderRef
	if r.Output.To == ToRegistry && len(r.names) > 0 {
		near = r.names[0].ref
	}
	chosen, err := r.builder.ChooseRunImage(ctx, near.Context().RegistryStr(), p.runImageMirrors, readable)
	if err != nil {
		return "", fmt.Errorf("builder %s: %w", r.Builder, err)
	}
	return chosen, nil
}
