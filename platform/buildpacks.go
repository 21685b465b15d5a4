package platform

import (
	"context"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/builder/extra"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/platform/project"
)

// addBuildpacks finds the buildpacks that the user and the project descriptor
// want, and lays them over the builder.
func (p *Platform) addBuildpacks(ctx context.Context, r *resolved) error {
	fetch := func(ctx context.Context, reference string, fromSource bool) (v1.Image, error) {
		return p.fetchBuildpackage(ctx, r, reference, fromSource)
	}
	var err error
	r.extra, err = extra.Resolve(ctx, r.builder, extra.Request{
		Buildpacks: r.sources(r.Buildpacks, r.project.Group),
		Pre:        r.sources(r.PreBuildpacks, r.project.Pre),
		Post:       r.sources(r.PostBuildpacks, r.project.Post),
		Extensions: r.sources(r.Extensions, nil),
		Progress:   p.Progress,
	}, fetch)
	if failed, ok := errors.AsType[*extra.Error](err); ok && failed.Misnamed {
		return hint.Usagef("", "%w", failed)
	}
	if err != nil {
		return err
	}
	if outside := r.extra.Outside; len(outside) > 0 {
		p.Progress.Info("Buildpacks from outside the builder: " + strings.Join(outside, ", "))
	}
	if r.image, err = r.extra.Apply(r.builder.Image); err != nil {
		return errors.Join(err, r.extra.Close())
	}
	return nil
}

// sources are the buildpacks that the user lists or, if there are none, those of
// the project descriptor.
func (r *resolved) sources(listed []string, described []project.Buildpack) []extra.Source {
	var all []extra.Source
	for _, locator := range listed {
		all = append(all, extra.Source{Locator: locator})
	}
	if len(all) > 0 {
		return all
	}
	for _, bp := range project.Applicable(described, r.ExecEnv) {
		src := extra.Source{Locator: bp.URI, Dir: r.projectDir(), Within: r.describedWithin()}
		switch {
		case bp.URI != "":
		case bp.Script.Inline != "":
			src.Script = &extra.Script{ID: bp.ID, Version: bp.Version, API: bp.Script.API, Shell: bp.Script.Shell, Inline: bp.Script.Inline}
		case bp.Version != "":
			src.Locator = bp.ID + "@" + bp.Version
		default:
			src.Locator = bp.ID
		}
		all = append(all, src)
	}
	return all
}

// fetchBuildpackage reads a buildpackage: without the user's login if only the
// source names it.
func (p *Platform) fetchBuildpackage(ctx context.Context, r *resolved, reference string, fromSource bool) (v1.Image, error) {
	ref, err := r.parse("buildpack", reference)
	if err != nil {
		return nil, err
	}
	source := fromSource && !r.TrustExtraBuildpacks
	img, err := p.have(ctx, r, need{what: "buildpack", ref: ref, anonymous: source})
	if err == nil {
		if _, err = img.ConfigFile(); err != nil {
			err = p.remoteError(ctx, "buildpack", ref, err)
		}
	}
	if err != nil && source {
		err = withoutLogin(err, "buildpack", "only project.toml of the source names it",
			fmt.Sprintf("name it (--buildpack, --pre-buildpack or --post-buildpack docker://%s), or trust the buildpacks that the source names (--trust-extra-buildpacks)", reference))
	}
	if err != nil {
		return nil, err
	}
	return img, nil
}
