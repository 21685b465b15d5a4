package platform

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/trust"
)

// access is how the main process itself talks to registries.
func (p *Platform) access(ctx context.Context, r *resolved) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx), remote.WithAuthFromKeychain(p.Keychain),
		remote.WithTransport(trust.Transport(r.insecureHosts())),
	}
}

// pull reads the image of a reference that is for the platform of the build. what is
// what the user gave the reference for.
func (p *Platform) pull(ctx context.Context, r *resolved, what string, ref name.Reference) (v1.Image, error) {
	found, err := remote.Get(ref, append(p.access(ctx, r), remote.WithPlatform(r.platform))...)
	if err != nil {
		return nil, p.remoteError(ctx, what, ref, err)
	}
	img, err := found.Image()
	if _, answered := errors.AsType[*transport.Error](err); err != nil && found.MediaType.IsIndex() && !answered && ctx.Err() == nil {
		return nil, &hintedError{fmt.Errorf("%s %s: %w", what, ref, err), fmt.Sprintf("build on a machine that the %s is made for, or choose a %s for %s", what, what, r.platform.String())}
	}
	if err != nil {
		return nil, p.remoteError(ctx, what, ref, err)
	}
	return img, nil
}

// resolveRunImage finds the run image and makes sure that it can be read.
func (p *Platform) resolveRunImage(ctx context.Context, r *resolved) error {
	readable := func(ctx context.Context, image string) error {
		ref, err := r.parse("run image", image)
		if err != nil {
			return err
		}
		if _, err := remote.Head(ref, p.access(ctx, r)...); err != nil {
			return p.remoteError(ctx, "run image", ref, err)
		}
		return nil
	}
	if r.RunImage != "" {
		r.runImage = r.RunImage
		return readable(ctx, r.RunImage)
	}
	app, err := r.parse("image", r.Image)
	if err != nil {
		return err
	}
	r.runImage, err = r.builder.ChooseRunImage(ctx, app.Context().RegistryStr(), readable)
	if err != nil {
		return fmt.Errorf("builder %s: %w", r.Builder, err)
	}
	ref, err := r.parse("run image", r.runImage)
	if err != nil {
		return err
	}
	return refuseSame([]purpose{{"run image", r.runImage, ref}}, r.outputs)
}
