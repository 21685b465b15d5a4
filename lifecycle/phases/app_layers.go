package phases

import (
	"context"
	"fmt"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	lifecyclelayers "github.com/buildpacks/lifecycle/layers"
	"github.com/buildpacks/lifecycle/platform/files"

	"github.com/pack-cache/pack-cache/layers"
)

// appLayers makes the app image's layers as the lifecycle does, but for launch
// layers that are what restore made of them and that the previous image has:
// those are not archived again to find out.
type appLayers struct {
	*lifecyclelayers.Factory
	ctx      context.Context // of one export
	previous files.LayersMetadata
	place    layers.Built

	known sync.Map // of layers by ID
}

// DirLayer implements phase.LayerFactory. The exporter calls it twice for every
// layer, the second time with the archive as the directory.
func (a *appLayers) DirLayer(id, dir, createdBy string) (lifecyclelayers.Layer, error) {
	if layer, ok := a.known.Load(id); ok {
		return layer.(lifecyclelayers.Layer), nil
	}
	diffID, err := a.unchanged(id)
	if err != nil {
		return lifecyclelayers.Layer{}, err
	}
	layer := lifecyclelayers.Layer{ID: id, Digest: diffID, History: v1.History{CreatedBy: createdBy}}
	if diffID == "" {
		if layer, err = a.Factory.DirLayer(id, dir, createdBy); err != nil || dir == layer.TarPath {
			return layer, err
		}
		if err := a.nameParents(&layer, dir); err != nil {
			return layer, fmt.Errorf("layer %s: %w", id, err)
		}
	}
	a.known.Store(id, layer)
	return layer, nil
}

// unchanged returns the diffID of a layer that can be reused unread, or "".
func (a *appLayers) unchanged(id string) (string, error) {
	buildpack, layer, ok := strings.Cut(id, ":")
	if !ok {
		return "", nil
	}
	previous := a.previous.LayersMetadataFor(buildpack).Layers[layer].SHA
	if previous == "" {
		return "", nil
	}
	diffID, err := a.place.Unchanged(a.ctx, layers.LayerID{Buildpack: buildpack, Layer: layer})
	if err != nil || diffID != previous {
		return "", err
	}
	return diffID, nil
}
