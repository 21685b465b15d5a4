package platform

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
	"github.com/pack-cache/pack-cache/platform/outlet"
)

// inRegistry reports whether the app image goes to a registry, or nowhere. The previous
// image is in a registry then, too.
func (r *resolved) inRegistry() bool {
	return r.Output.To == ToRegistry || r.Output.To == ToNowhere
}

// findImages finds the images that the app image is made of, and opens the outlet.
// Phases are told of the images, and ask no registry for them.
func (p *Platform) findImages(ctx context.Context, r *resolved) error {
	if err := p.resolveRunImage(ctx, r); err != nil {
		return err
	}
	if !r.inRegistry() {
		err := p.openOutlet(ctx, r)
		if err == nil {
			r.known, err = r.outlet.Known()
		}
		return err
	}
	previous, refused, err := p.findPublished(ctx, r)
	if err != nil {
		return err
	}
	if r.known, err = outlet.KnownImages(r.run, previous, false); err != nil {
		return err
	}
	r.known.Registry, r.known.Looked, r.known.Refused = true, r.previous, refused
	return nil
}

// findPublished finds the previous image in its registry, nil if there is none that
// can be used. A registry that refuses to let it be read is left to analyze, whose
// grant is for more.
func (p *Platform) findPublished(ctx context.Context, r *resolved) (previous *outlet.Source, refused bool, err error) {
	if r.previous == "" {
		return nil, false, nil
	}
	ref, err := r.parse("previous image", r.previous)
	if err != nil {
		return nil, false, err
	}
	if r.apps, err = remote.NewPuller(append(p.access(ctx, r), remote.WithPlatform(r.platform))...); err != nil {
		return nil, false, err
	}
	var img v1.Image
	found, err := r.apps.Get(ctx, ref)
	if err == nil {
		img, err = found.Image()
	}
	if err == nil {
		previous, err = sourceOf(r.previous, ref, img)
	}
	answer, answered := errors.AsType[*transport.Error](err)
	switch {
	case err == nil:
		return previous, false, nil
	case ctx.Err() != nil:
		return nil, false, ctx.Err()
	case errors.Is(err, bounds.ErrExceeded):
		p.Progress.Warn(fmt.Sprintf("Previous image %s is not used: %v", r.previous, err))
		return nil, false, nil
	case answered && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden):
		return nil, true, nil
	case answered && answer.StatusCode == http.StatusNotFound && img == nil, strings.Contains(err.Error(), "no child with platform"):
		return nil, false, nil
	case img != nil && (!answered || answer.StatusCode == http.StatusNotFound):
		p.Progress.Info(fmt.Sprintf("Ignoring image %q because it was corrupt", r.previous))
		return nil, false, nil
	}
	failed := phases.Failed(lifecycle.Analyze, r.previous, err)
	if failed.Trouble != nil {
		return nil, false, p.troubleError(failed)
	}
	return nil, false, failed
}
