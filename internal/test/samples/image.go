package samples

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/BurntSushi/toml"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/test/samples/rootfs"
)

// recipe is what a builder and its run image are made of.
type recipe struct {
	Options
	description string
	stackID     string
	path        string
	// base are the bottom layers of the builder, runBase those of the run image.
	base, runBase []v1.Layer
	lifecycle     *stock
	buildpacks    []buildpack
	extensions    []buildpack
}

// assemble makes the images.
func (r recipe) assemble(ctx context.Context) (*Builder, error) {
	build, err := r.buildImage(ctx)
	if err != nil {
		return nil, fmt.Errorf("assemble builder: %w", err)
	}
	run, err := r.runImageFile()
	if err != nil {
		return nil, fmt.Errorf("assemble run image: %w", err)
	}
	return &Builder{Build: build, Run: run, runImage: r.RunImage}, nil
}

func (r recipe) buildImage(ctx context.Context) (v1.Image, error) {
	lifecycle, err := r.lifecycle.layer(ctx, r.Options)
	if err != nil {
		return nil, err
	}
	var buildpacks []v1.Layer
	for _, b := range append(r.buildpacks[:len(r.buildpacks):len(r.buildpacks)], r.extensions...) {
		l, err := b.layer(r.Options)
		if err != nil {
			return nil, err
		}
		buildpacks = append(buildpacks, l)
	}
	config, err := r.configLayer()
	if err != nil {
		return nil, err
	}
	labels, err := r.builderLabels(buildpacks)
	if err != nil {
		return nil, err
	}
	layers := append([]v1.Layer{}, r.base...)
	layers = append(layers, lifecycle)
	layers = append(layers, buildpacks...)
	layers = append(layers, config)
	return r.image(layers, v1.Config{
		User: fmt.Sprintf("%d:%d", r.UID, r.GID),
		Env: []string{
			"PATH=" + r.path,
			fmt.Sprintf("CNB_USER_ID=%d", r.UID), fmt.Sprintf("CNB_GROUP_ID=%d", r.GID),
			"CNB_STACK_ID=" + r.stackID,
		},
		WorkingDir: "/layers",
		Labels:     labels,
	})
}

func (r recipe) runImageFile() (v1.Image, error) {
	labels := map[string]string{
		"io.buildpacks.stack.id": r.stackID,
		"io.buildpacks.base.id":  r.stackID,
	}
	r.addTargetLabels(labels)
	return r.image(r.runBase, v1.Config{
		User:       fmt.Sprintf("%d:%d", r.UID, r.GID),
		Env:        []string{"PATH=" + r.path},
		WorkingDir: "/",
		Labels:     labels,
	})
}

// configLayer holds what a platform puts into a builder: order, run image, the
// directories of a build and their owners.
func (r recipe) configLayer() (v1.Layer, error) {
	fs := rootfs.New()
	for _, dir := range []string{"workspace", "layers"} {
		fs.Dir(dir, 0o755, r.user())
	}
	for _, dir := range []string{"cnb", "cnb/buildpacks", "cnb/extensions", "cnb/build-config/env", "platform/env"} {
		fs.Dir(dir, 0o755, rootfs.Owner{})
	}
	for name, value := range map[string]any{
		"cnb/order.toml": r.order(),
		"cnb/stack.toml": stackMetadata{RunImage: r.runImage()},
		"cnb/run.toml":   map[string]any{"images": []runImage{r.runImage()}},
	} {
		var content bytes.Buffer
		if err := toml.NewEncoder(&content).Encode(value); err != nil {
			return nil, err
		}
		fs.File(name, 0o644, rootfs.Owner{}, content.Bytes())
	}
	return r.layers().Add(fs)
}

// order is what a builder's order.toml says.
func (r recipe) order() map[string]any {
	order := map[string]any{"order": []group{{Group: r.modules(r.buildpacks, true)}}}
	if len(r.extensions) > 0 {
		order["order-extensions"] = []group{{Group: r.modules(r.extensions, true)}}
	}
	return order
}

// image puts layers and config together.
func (r recipe) image(layers []v1.Layer, config v1.Config) (v1.Image, error) {
	created := v1.Time{Time: time.Unix(315532801, 0).UTC()}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.ConfigFile(img, &v1.ConfigFile{
		OS: r.Target.OS, Architecture: r.Target.Architecture, Variant: r.Target.Variant,
		Created: created, Config: config, RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return nil, err
	}
	var addenda []mutate.Addendum
	for _, l := range layers {
		addenda = append(addenda, mutate.Addendum{
			Layer: l, MediaType: types.OCILayer,
			History: v1.History{Created: created, CreatedBy: "pack-cache samples"},
		})
	}
	return mutate.Append(img, addenda...)
}
