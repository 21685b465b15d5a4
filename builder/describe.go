package builder

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Labels that only people ask for.
const (
	stackIDLabel     = "io.buildpacks.stack.id"
	stackMixinsLabel = "io.buildpacks.stack.mixins"
)

// Description is what a builder says about itself to people. Its JSON is that of
// `pack builder inspect`, with more fields.
type Description struct {
	Digest      string    `json:"digest"`
	Created     time.Time `json:"created"`
	Target      Target    `json:"target"`
	Description string    `json:"description,omitempty"`
	CreatedBy   Creator   `json:"created_by"`
	Stack       *Stack    `json:"stack,omitempty"`
	Lifecycle   Lifecycle `json:"lifecycle"`
	// RunImages are the run images with their mirrors, in their order.
	RunImages       []NamedImage `json:"run_images"`
	Buildpacks      []ModuleInfo `json:"buildpacks"`
	Order           []OrderEntry `json:"detection_order"`
	Extensions      []ModuleInfo `json:"extensions,omitempty"`
	OrderExtensions []OrderEntry `json:"order_extensions,omitempty"`
}

// Creator is the program that made a builder.
type Creator struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Stack is the stack that a builder is for, a thing of Platform APIs before 0.12.
type Stack struct {
	ID     string   `json:"id" toml:"id"`
	Mixins []string `json:"mixins,omitempty" toml:"mixins"`
}

// Lifecycle is the lifecycle of a builder and the APIs that it speaks.
type Lifecycle struct {
	Version       string   `json:"version"`
	BuildpackAPIs Versions `json:"buildpack_apis"`
	PlatformAPIs  Versions `json:"platform_apis"`
}

// Versions are versions of an API.
type Versions struct {
	Deprecated []string `json:"deprecated"`
	Supported  []string `json:"supported"`
}

// all are the versions that a lifecycle speaks. Some list the deprecated ones among
// the supported ones, too.
func (v Versions) all() []string {
	all := slices.Clone(v.Deprecated)
	for _, version := range v.Supported {
		if !slices.Contains(all, version) {
			all = append(all, version)
		}
	}
	return all
}

// NamedImage is an image where a run image can be had.
type NamedImage struct {
	Name string `json:"name"`
	// UserConfigured says that config.toml names it, not the builder.
	UserConfigured bool `json:"user_configured,omitempty"`
}

// ModuleInfo is a buildpack or an image extension.
type ModuleInfo struct {
	ID       string `json:"id"`
	Name     string `json:"name,omitempty"`
	Version  string `json:"version"`
	Homepage string `json:"homepage,omitempty"`
}

// OrderEntry is a group of an order, or a member of one. A composite buildpack
// has groups of its own.
type OrderEntry struct {
	ID       string `json:"id,omitempty"`
	Version  string `json:"version,omitempty"`
	Optional bool   `json:"optional,omitempty"`
	// Cyclical says that the buildpack is in its own order.
	Cyclical bool         `json:"cyclic,omitempty"`
	Group    []OrderEntry `json:"buildpacks,omitempty"`
}

// Describe reads everything that the builder says about itself. The order is
// followed into composite buildpacks to the given depth, to the end if it is
// negative.
func (b *Builder) Describe(depth int) (*Description, error) {
	config, err := b.Image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read builder config: %w", err)
	}
	labels := config.Config.Labels
	d := &Description{Digest: b.Digest.String(), Created: config.Created.UTC(), Target: b.Target}
	if err := d.readMetadata(labels); err != nil {
		return nil, err
	}
	for _, run := range b.RunImages {
		for _, image := range append([]string{run.Image}, run.Mirrors...) {
			d.RunImages = append(d.RunImages, NamedImage{Name: image})
		}
	}
	modules, err := b.Modules()
	if err != nil {
		return nil, err
	}
	order, extensions, err := b.Order()
	if err != nil {
		return nil, err
	}
	d.Order = expand(order, modules, Ref{}, depth, nil)
	d.OrderExtensions = expand(extensions, nil, Ref{}, depth, nil)
	return d, nil
}

// readMetadata fills in what the labels say.
func (d *Description) readMetadata(labels map[string]string) error {
	var md struct {
		Description string       `json:"description"`
		CreatedBy   Creator      `json:"createdBy"`
		Buildpacks  []ModuleInfo `json:"buildpacks"`
		Extensions  []ModuleInfo `json:"extensions"`
		Lifecycle   struct {
			Version string `json:"version"`
			APIs    apis   `json:"apis"`
		} `json:"lifecycle"`
	}
	if err := readLabel(labels, metadataLabel, &md); err != nil {
		return err
	}
	if len(md.Lifecycle.APIs.Platform.Supported) == 0 {
		if err := readLabel(labels, lifecycleAPIsLabel, &md.Lifecycle.APIs); err != nil {
			return err
		}
	}
	d.Description, d.CreatedBy = md.Description, md.CreatedBy
	d.Buildpacks, d.Extensions = md.Buildpacks, md.Extensions
	for _, list := range [][]ModuleInfo{d.Buildpacks, d.Extensions} {
		slices.SortFunc(list, func(a, b ModuleInfo) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Version, b.Version)) })
	}
	d.Lifecycle = Lifecycle{Version: md.Lifecycle.Version, BuildpackAPIs: md.Lifecycle.APIs.Buildpack, PlatformAPIs: md.Lifecycle.APIs.Platform}
	if id := labels[stackIDLabel]; id != "" {
		d.Stack = &Stack{ID: id}
		return readLabel(labels, stackMixinsLabel, &d.Stack.Mixins)
	}
	return nil
}

// expand follows an order into composite buildpacks. above are those that the
// order is part of.
func expand(order Order, modules Modules, parent Ref, depth int, above []Ref) []OrderEntry {
	var entries []OrderEntry
	for _, group := range order {
		entry := OrderEntry{ID: parent.ID, Version: parent.Version, Optional: parent.Optional}
		for _, ref := range group.Group {
			if ref.Version == "" && len(modules[ref.ID]) == 1 {
				for version := range modules[ref.ID] {
					ref.Version = version
				}
			}
			inner := modules[ref.ID][ref.Version].Order
			seen := slices.ContainsFunc(above, func(a Ref) bool { return a.ID == ref.ID && a.Version == ref.Version })
			if len(inner) > 0 && depth != 0 && !seen {
				entry.Group = append(entry.Group, expand(inner, modules, ref, depth-1, append(slices.Clone(above), ref))...)
				continue
			}
			entry.Group = append(entry.Group, OrderEntry{ID: ref.ID, Version: ref.Version, Optional: ref.Optional, Cyclical: seen})
		}
		entries = append(entries, entry)
	}
	return entries
}
