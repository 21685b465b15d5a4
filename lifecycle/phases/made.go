package phases

import (
	"slices"

	"github.com/buildpacks/lifecycle/buildpack"
	"github.com/buildpacks/lifecycle/platform/files"

	"github.com/pack-cache/pack-cache/layers"
)

// made is what the buildpacks of a build have made.
type made struct {
	// group are the IDs of the buildpacks, in their order.
	group []string
	// layers are those flagged cache=true or launch=true.
	layers []layers.CachedLayer
}

// madeLayers lists the layers of the group. previous is what the previous app
// image says of its own.
func (j *job) madeLayers(group buildpack.Group, previous files.LayersMetadata) (made, error) {
	var all made
	for _, bp := range group.Group {
		all.group = append(all.group, bp.ID)
		dir, err := buildpack.ReadLayersDir(j.Paths.Layers, bp, j.log)
		if err != nil {
			return made{}, err
		}
		inApp := previous.LayersMetadataFor(bp.ID).Layers
		for _, layer := range dir.FindLayers(func(l buildpack.Layer) bool {
			return buildpack.MadeCached(l) || buildpack.MadeLaunch(l)
		}) {
			md, err := layer.Read()
			if err != nil {
				return made{}, err
			}
			found := layers.CachedLayer{ID: layers.LayerID{Buildpack: bp.ID, Layer: layer.Name()}, Version: bp.Version, Metadata: md}
			if !layer.HasLocalContents() {
				// A launch layer that the buildpack wants to stay as it is. The
				// exporter takes it from the previous image.
				if found.Elsewhere = inApp[layer.Name()].SHA; md.Cache || found.Elsewhere == "" {
					continue
				}
			}
			all.layers = append(all.layers, found)
		}
	}
	return all, nil
}

// forCache returns the layers to save: those flagged cache=true, and on request
// those that are for launch only.
func (m made) forCache(launch bool) []layers.CachedLayer {
	var wanted []layers.CachedLayer
	for _, layer := range m.layers {
		if layer.Metadata.Cache || launch {
			wanted = append(wanted, layer)
		}
	}
	return wanted
}

func (m made) isLaunchOnly(id layers.LayerID) bool {
	return slices.ContainsFunc(m.layers, func(l layers.CachedLayer) bool { return l.ID == id && !l.Metadata.Cache })
}
