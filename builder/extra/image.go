package extra

import (
	"context"
	"fmt"
	"maps"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/hint"
)

// packageLabel names the main buildpack of a buildpackage (CNB Distribution
// specification, "Buildpackage").
const packageLabel = "io.buildpacks.buildpackage.metadata"

// image adds the buildpackage in a registry.
func (r *resolver) image(ctx context.Context, locator string, at location) (builder.Ref, error) {
	img, err := r.fetch(ctx, at.at, at.within != "")
	if err != nil {
		if at.bare && ctx.Err() == nil {
			err = hint.With("buildpack "+shown(locator)+" was taken for an image, because there is no such path and the builder has no such buildpack, but "+few(names(r.modules)),
				err)
		}
		return builder.Ref{}, err
	}
	ref, err := r.buildpackage(img)
	return ref, about(locator, err)
}

// buildpackage adds all buildpacks of a buildpackage, and returns the main one.
func (r *resolver) buildpackage(img v1.Image) (builder.Ref, error) {
	config, err := bounds.Config(img)
	if err != nil {
		return builder.Ref{}, fmt.Errorf("read config: %w", err)
	}
	if config.OS != "" && r.target.OS != "" && config.OS != r.target.OS {
		return builder.Ref{}, fmt.Errorf("it is for %s, the builder for %s", config.OS, r.target.OS)
	}
	labels := config.Config.Labels
	raw, ok := labels[packageLabel]
	if !ok {
		return builder.Ref{}, hint.Errorf("a buildpackage is an image made by `pack buildpack package`",
			"the image is not a buildpackage: label %s is missing", packageLabel)
	}
	var ref builder.Ref
	if err := bounds.JSON([]byte(raw), &ref); err != nil {
		return ref, fmt.Errorf("label %s cannot be read: %w", packageLabel, err)
	}
	ref.Optional = false
	modules, err := r.of.read(labels)
	if err != nil {
		return ref, err
	}
	main, ok := modules[ref.ID][ref.Version]
	if !ok {
		return ref, fmt.Errorf("the buildpackage names %s@%s as its %s, and does not have it", ref.ID, ref.Version, r.of.word)
	}
	if main.API != "" && len(main.Order) == 0 {
		if err := r.checkAPI(main.API); err != nil {
			return ref, err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(modules)) {
		for _, version := range slices.Sorted(maps.Keys(modules[id])) {
			m, err := fromImage(img, id, version, modules[id][version])
			if err != nil {
				return ref, err
			}
			r.found = append(r.found, m)
		}
	}
	return ref, nil
}

// fromImage finds the layer of a buildpack in a buildpackage.
func fromImage(img v1.Image, id, version string, m builder.Module) (module, error) {
	if err := checkName(id, version); err != nil {
		return module{}, err
	}
	diffID, err := v1.NewHash(m.LayerDiffID)
	if err != nil {
		return module{}, fmt.Errorf("layer of %s@%s: %w", id, version, err)
	}
	layer, err := img.LayerByDiffID(diffID)
	if err != nil {
		return module{}, fmt.Errorf("layer of %s@%s: %w", id, version, err)
	}
	return module{id: id, version: version, Module: m, layer: layer}, nil
}
