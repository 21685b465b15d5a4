package samples

import (
	"encoding/json"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The structures of a builder's labels, as `pack builder create` writes them.
type (
	builderMetadata struct {
		Description string         `json:"description"`
		Buildpacks  []moduleInfo   `json:"buildpacks"`
		Extensions  []moduleInfo   `json:"extensions"`
		Stack       stackMetadata  `json:"stack"`
		Lifecycle   lifecycleLabel `json:"lifecycle"`
		CreatedBy   creator        `json:"createdBy"`
		Images      []runImage     `json:"images"`
	}
	moduleInfo struct {
		ID       string `json:"id" toml:"id"`
		Version  string `json:"version" toml:"version"`
		Homepage string `json:"homepage,omitempty" toml:"-"`
		Name     string `json:"name,omitempty" toml:"-"`
		Optional bool   `json:"optional,omitempty" toml:"optional,omitempty"`
	}
	stackMetadata struct {
		RunImage runImage `json:"runImage" toml:"run-image"`
	}
	runImage struct {
		Image   string   `json:"image" toml:"image"`
		Mirrors []string `json:"mirrors" toml:"mirrors"`
	}
	lifecycleLabel struct {
		Version string `json:"version"`
		// API is the oldest of each kind, for platforms from before APIs.
		API  map[string]string `json:"api"`
		APIs any               `json:"apis"`
	}
	creator struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	group struct {
		Group []moduleInfo `json:"group" toml:"group"`
	}
	moduleLayer struct {
		API         string `json:"api"`
		LayerDiffID string `json:"layerDiffID"`
		Homepage    string `json:"homepage,omitempty"`
		Name        string `json:"name,omitempty"`
	}
)

// builderLabels returns the labels of a builder image.
func (r recipe) builderLabels(layers []v1.Layer) (map[string]string, error) {
	apis := r.lifecycle.descriptor.APIs
	if len(r.PlatformAPIs) > 0 {
		apis.Platform = apiSet{Deprecated: []string{}, Supported: r.PlatformAPIs}
	}
	modules, err := moduleLayers(r.buildpacks, layers)
	if err != nil {
		return nil, err
	}
	extensions, err := moduleLayers(r.extensions, layers[len(r.buildpacks):])
	if err != nil {
		return nil, err
	}
	labels := map[string]string{
		"io.buildpacks.stack.id":          r.stackID,
		"io.buildpacks.lifecycle.version": r.lifecycle.version,
	}
	r.addTargetLabels(labels)
	for label, value := range map[string]any{
		"io.buildpacks.builder.metadata": builderMetadata{
			Description: r.description,
			Buildpacks:  r.modules(r.buildpacks, false),
			Extensions:  r.modules(r.extensions, false),
			Stack:       stackMetadata{RunImage: r.runImage()},
			Lifecycle: lifecycleLabel{
				Version: r.lifecycle.version,
				API:     map[string]string{"buildpack": apis.Buildpack.Supported[0], "platform": apis.Platform.Supported[0]},
				APIs:    apis,
			},
			CreatedBy: creator{Name: "pack-cache samples", Version: "1"},
			Images:    []runImage{r.runImage()},
		},
		"io.buildpacks.buildpack.order":            r.order()["order"],
		"io.buildpacks.buildpack.order-extensions": r.order()["order-extensions"],
		"io.buildpacks.buildpack.layers":           modules,
		"io.buildpacks.extension.layers":           extensions,
		"io.buildpacks.lifecycle.apis":             apis,
	} {
		if value == nil {
			continue
		}
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		labels[label] = string(raw)
	}
	for _, label := range r.OmitLabels {
		delete(labels, label)
	}
	return labels, nil
}

func (r recipe) addTargetLabels(labels map[string]string) {
	labels["io.buildpacks.base.distro.name"] = r.Target.DistroName
	labels["io.buildpacks.base.distro.version"] = r.Target.DistroVersion
}

func (r recipe) runImage() runImage {
	return runImage{Image: r.RunImage, Mirrors: r.RunImageMirrors}
}

// moduleLayers says which layer holds what.
func moduleLayers(modules []buildpack, layers []v1.Layer) (map[string]map[string]moduleLayer, error) {
	all := map[string]map[string]moduleLayer{}
	for i, b := range modules {
		diffID, err := layers[i].DiffID()
		if err != nil {
			return nil, err
		}
		info := b.descriptor.Buildpack
		all[info.ID] = map[string]moduleLayer{info.Version: {
			API: b.descriptor.API, LayerDiffID: diffID.String(), Homepage: info.Homepage, Name: info.Name,
		}}
	}
	return all, nil
}

// modules lists buildpacks, as the order wants them or as the metadata does.
func (r recipe) modules(of []buildpack, forOrder bool) []moduleInfo {
	var list []moduleInfo
	for _, b := range of {
		info := b.descriptor.Buildpack
		m := moduleInfo{ID: info.ID, Version: info.Version}
		if forOrder {
			m.Optional = b.optional
		} else {
			m.Homepage, m.Name = info.Homepage, info.Name
		}
		list = append(list, m)
	}
	return list
}
