package builder

import (
	"fmt"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// Labels that say which buildpacks an image holds, and in which order a builder
// tries them.
const (
	orderLabel           = "io.buildpacks.buildpack.order"
	orderExtensionsLabel = "io.buildpacks.buildpack.order-extensions"
	modulesLabel         = "io.buildpacks.buildpack.layers"
	extensionsLabel      = "io.buildpacks.extension.layers"
)

// Order is what detect tries: groups of buildpacks, of which the first that
// fits is built with (CNB Buildpack specification, "Order Resolution").
type Order []Group

// Group is one alternative of an order.
type Group struct {
	Group []Ref `json:"group" toml:"group"`
}

// Ref names a buildpack in a group.
type Ref struct {
	ID       string `json:"id" toml:"id"`
	Version  string `json:"version,omitempty" toml:"version,omitempty"`
	Optional bool   `json:"optional,omitempty" toml:"optional,omitempty"`
}

// Module is what an image says about a buildpack that it holds.
type Module struct {
	// API is the Buildpack API that the buildpack speaks.
	API string `json:"api"`
	// LayerDiffID is the layer that has it.
	LayerDiffID string `json:"layerDiffID"`
	// Order is that of a composite buildpack.
	Order Order `json:"order"`
	// Stacks and Targets are what it is made for; both may be empty.
	Stacks  []Stack        `json:"stacks"`
	Targets []ModuleTarget `json:"targets"`
}

// Modules are buildpacks by ID and version.
type Modules map[string]map[string]Module

// ReadModules reads which buildpacks an image holds, a builder or a
// buildpackage, from the labels of its config. Without the label there are none.
func ReadModules(labels map[string]string) (Modules, error) {
	return readModules(labels, modulesLabel)
}

// ReadExtensions is ReadModules for image extensions.
func ReadExtensions(labels map[string]string) (Modules, error) {
	return readModules(labels, extensionsLabel)
}

func readModules(labels map[string]string, label string) (Modules, error) {
	modules := Modules{}
	err := readLabel(labels, label, &modules)
	if modules == nil { // the label is null
		modules = Modules{}
	}
	return modules, err
}

// Modules returns the buildpacks of the builder. Those of which only the name is
// known, as in builders from before the label, have no diffID.
func (b *Builder) Modules() (Modules, error) {
	labels, err := b.labels()
	if err != nil {
		return nil, err
	}
	modules, err := ReadModules(labels)
	if err != nil {
		return nil, err
	}
	for _, bp := range b.Buildpacks {
		if _, ok := modules[bp.ID][bp.Version]; !ok {
			modules.Add(bp.ID, bp.Version, Module{})
		}
	}
	return modules, nil
}

// Extensions returns the image extensions of the builder.
func (b *Builder) Extensions() (Modules, error) {
	labels, err := b.labels()
	if err != nil {
		return nil, err
	}
	return ReadExtensions(labels)
}

// Add enters a buildpack.
func (m Modules) Add(id, version string, module Module) {
	if m[id] == nil {
		m[id] = map[string]Module{}
	}
	m[id][version] = module
}

// Order returns the order in which the builder's buildpacks are tried, and that
// of its image extensions, both empty where the builder does not say. A version
// is left out where the builder has only one.
func (b *Builder) Order() (buildpacks, extensions Order, err error) {
	labels, err := b.labels()
	if err != nil {
		return nil, nil, err
	}
	if err := readLabel(labels, orderLabel, &buildpacks); err != nil {
		return nil, nil, err
	}
	if err := readLabel(labels, orderExtensionsLabel, &extensions); err != nil {
		return nil, nil, err
	}
	return buildpacks, extensions, nil
}

// BuildpackAPIs returns the Buildpack API versions that the builder's lifecycle
// speaks, none where it does not say.
func (b *Builder) BuildpackAPIs() ([]string, error) {
	labels, err := b.labels()
	if err != nil {
		return nil, err
	}
	var md struct {
		Lifecycle struct {
			APIs apis `json:"apis"`
		} `json:"lifecycle"`
	}
	if err := readLabel(labels, metadataLabel, &md); err != nil {
		return nil, err
	}
	said := md.Lifecycle.APIs
	if len(said.Buildpack.Supported) == 0 {
		if err := readLabel(labels, lifecycleAPIsLabel, &said); err != nil {
			return nil, err
		}
	}
	return said.Buildpack.all(), nil
}

func (b *Builder) labels() (map[string]string, error) {
	config, err := b.Image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read builder config: %w", err)
	}
	return config.Config.Labels, nil
}

// readLabel decodes a label if there is one.
func readLabel(labels map[string]string, label string, into any) error {
	raw, ok := labels[label]
	if !ok || raw == "" {
		return nil
	}
	if err := bounds.JSON([]byte(raw), into); err != nil {
		return fmt.Errorf("label %s cannot be read: %w", label, err)
	}
	return nil
}
