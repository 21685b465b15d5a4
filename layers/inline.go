package layers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/buildpacks/lifecycle/buildpack"
	"github.com/buildpacks/lifecycle/platform"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// InlineLabel is the label of an app image whose layers are a cache, too. It
// says what they were made for, as JSON of an inlineMark. Everything else is in
// the label that the lifecycle writes anyway.
const InlineLabel = "com.github.pack-cache.inline"

// appLabel is the lifecycle's label of app images (CNB Platform specification,
// "io.buildpacks.lifecycle.metadata").
const appLabel = "io.buildpacks.lifecycle.metadata"

// inlineMark is the value of InlineLabel.
type inlineMark struct {
	Target inlineTarget `json:"target"`
}

// inlineTarget is a Target in JSON.
type inlineTarget struct {
	OS            string `json:"os,omitempty"`
	Architecture  string `json:"arch,omitempty"`
	Variant       string `json:"variant,omitempty"`
	DistroName    string `json:"distro-name,omitempty"`
	DistroVersion string `json:"distro-version,omitempty"`
}

// InlineMark is the value of InlineLabel for an app image whose layers were made
// for a target. It has nothing of the build, so that equal sources stay equal
// images.
func InlineMark(target Target) (string, error) {
	mark, err := json.Marshal(inlineMark{inlineTarget(target)})
	return string(mark), err
}

// LoadImport is Load for reading only: name may also stand for an app image with
// an inline cache. Its snapshot has the layers of the image that are flagged
// both launch and cache, and those of the newest snapshot that refers to the
// image, if the store knows of any (Referrers).
func LoadImport(ctx context.Context, store Store, name string) (*Snapshot, error) {
	return (*Known)(nil).load(ctx, store, name, true)
}

// readInline fills in the snapshot from the labels of an app image.
func (s *Snapshot) readInline(ctx context.Context, mark string, config *v1.ConfigFile) error {
	var marked inlineMark
	if err := bounds.JSON([]byte(mark), &marked); err != nil {
		return s.foreign(fmt.Sprintf("label %s: %v", InlineLabel, err))
	}
	s.inline, s.target = true, Target(marked.Target)
	var err error
	if s.metadata, err = inlineMetadata(config.Config.Labels[appLabel]); err != nil {
		return s.foreign(err.Error())
	}
	named := names(s.metadata)
	s.order = slices.DeleteFunc(s.order, func(diffID string) bool { return !named[diffID] })
	s.readBeside(ctx)
	return nil
}

// names returns the diffIDs of the layers that metadata name.
func names(metadata platform.CacheMetadata) map[string]bool {
	named := map[string]bool{}
	for _, bp := range metadata.Buildpacks {
		for _, layer := range bp.Layers {
			named[layer.SHA] = true
		}
	}
	return named
}

// inlineMetadata is what the label of an app image says of its cached layers.
func inlineMetadata(label string) (platform.CacheMetadata, error) {
	var app struct {
		Buildpacks []buildpack.LayersMetadata `json:"buildpacks"`
	}
	var cached platform.CacheMetadata
	if err := bounds.JSON([]byte(label), &app); err != nil {
		return cached, fmt.Errorf("label %s: %w", appLabel, err)
	}
	for _, bp := range app.Buildpacks {
		kept := buildpack.LayersMetadata{ID: bp.ID, Version: bp.Version, Layers: map[string]buildpack.LayerMetadata{}}
		for name, layer := range bp.Layers {
			if layer.Launch && layer.Cache {
				kept.Layers[name] = layer
			}
		}
		if len(kept.Layers) > 0 {
			cached.Buildpacks = append(cached.Buildpacks, kept)
		}
	}
	return cached, checkMetadata(appLabel, cached)
}

// readBeside adds what is kept beside the app image. The image's own layers are
// good without it, so what goes wrong is kept for Incomplete.
func (s *Snapshot) readBeside(ctx context.Context) {
	beside, err := loadBeside(ctx, s.store, s.digest)
	if err != nil {
		s.incomplete = fmt.Errorf("what is kept beside the app image: %w", err)
		return
	}
	if beside == nil {
		return
	}
	if ok, _ := beside.target.Compatible(s.target); ok {
		s.add(beside)
	}
}

// loadBeside loads the newest snapshot that refers to an image, nil if there is
// none. One that was replaced just now is looked for again.
func loadBeside(ctx context.Context, store Store, image v1.Hash) (*Snapshot, error) {
	known, ok := store.(Referrers)
	if !ok {
		return nil, nil
	}
	for retried := false; ; retried = true {
		all, err := known.Referrers(ctx, image, ArtifactType)
		if err != nil {
			return nil, err
		}
		newest, ok := Newest(all)
		if !ok {
			return nil, nil
		}
		snapshot, err := Load(ctx, store, newest.Digest.String())
		if !errors.Is(err, ErrNotFound) || retried {
			return snapshot, err
		}
	}
}

// add takes over what only another snapshot of the same store has.
func (s *Snapshot) add(other *Snapshot) {
	s.metadata.BOM = other.metadata.BOM
	places := map[string]int{}
	for i, bp := range slices.Backward(s.metadata.Buildpacks) {
		places[bp.ID] = i
	}
	for _, theirs := range other.metadata.Buildpacks {
		ours := s.buildpack(theirs.ID, theirs.Version, places)
		for name, layer := range theirs.Layers {
			if _, have := ours.Layers[name]; !have {
				ours.Layers[name] = layer
			}
		}
	}
	listed := map[string]bool{}
	for _, diffID := range s.order {
		listed[diffID] = true
	}
	for _, diffID := range other.order {
		if _, have := s.layers[diffID]; !have {
			s.layers[diffID] = other.layers[diffID]
		}
		if !listed[diffID] {
			listed[diffID] = true
			s.order = append(s.order, diffID)
		}
	}
}

// buildpack returns the metadata of a buildpack, made if there are none. places
// are those of all buildpacks, by ID.
func (s *Snapshot) buildpack(id, version string, places map[string]int) *buildpack.LayersMetadata {
	if i, ok := places[id]; ok {
		return &s.metadata.Buildpacks[i]
	}
	places[id] = len(s.metadata.Buildpacks)
	s.metadata.Buildpacks = append(s.metadata.Buildpacks, buildpack.LayersMetadata{
		ID: id, Version: version, Layers: map[string]buildpack.LayerMetadata{},
	})
	return &s.metadata.Buildpacks[len(s.metadata.Buildpacks)-1]
}
