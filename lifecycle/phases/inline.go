package phases

import (
	"context"
	"maps"
	"slices"

	"github.com/buildpacks/imgutil"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
)

// markInline makes a cache of the app image if an export wants that. Nothing but
// a label is added, which is the same in every build for a target.
func markInline(app imgutil.Image, in ExportInput) error {
	if !slices.ContainsFunc(in.Exports, func(at kinds.Export) bool { return at.Inline }) {
		return nil
	}
	mark, err := layers.InlineMark(in.Target)
	if err != nil {
		return err
	}
	return app.SetLabel(layers.InlineLabel, mark)
}

// inline reports on the layers that the app image has and saves the others
// beside it, if they are wanted. images is the store of the repository.
func (s *save) inline(ctx context.Context, images layers.Store) (*layers.SaveReport, error) {
	previous := s.previousImage(ctx, images)
	var app *layers.Snapshot
	load := func(ctx context.Context) (digest string, err error) {
		if digest, err = s.published(ctx); err != nil {
			return "", err
		}
		app, err = layers.LoadImport(ctx, images, digest)
		return digest, err
	}
	report, err := &layers.SaveReport{}, error(nil)
	if s.at.Max {
		report, err = s.beside(ctx, images, previous, load)
	} else {
		_, err = load(ctx)
	}
	if err != nil {
		return nil, err
	}
	report.Digest = app.Digest()
	report.Layers = append(inImage(s.made, previous, app), report.Layers...)
	return report, nil
}

// beside saves the layers that the app image does not have.
func (s *save) beside(ctx context.Context, images layers.Store, previous *layers.Snapshot, named func(context.Context) (string, error)) (*layers.SaveReport, error) {
	store, err := kinds.Beside(images)
	if err != nil {
		return nil, err
	}
	request := s.request()
	request.Store = store
	request.Previous = previous
	request.Named = named
	for _, layer := range s.made.forCache(false) {
		if layer.Metadata.Launch {
			request.Beside = append(request.Beside, layer.ID)
		} else {
			request.Layers = append(request.Layers, layer)
		}
	}
	if previous != nil {
		// The exporter may take launch layers from the previous image, too.
		for _, bp := range previous.Metadata().Buildpacks {
			for name, layer := range bp.Layers {
				if id := (layers.LayerID{Buildpack: bp.ID, Layer: name}); layer.Launch && slices.Contains(s.made.group, bp.ID) {
					request.Beside = append(request.Beside, id)
				}
			}
		}
	}
	return layers.Save(ctx, request)
}

// previousImage is the snapshot that an inline cache follows on: the previous app
// image or, where each build has a tag of its own, the first import that is an
// image of the same repository; nil if there is neither.
func (s *save) previousImage(ctx context.Context, images layers.Store) *layers.Snapshot {
	if s.in.ClearCache {
		return nil
	}
	if previous := s.in.Analyzed.PreviousImageRef(); previous != "" {
		ref, err := name.NewDigest(previous)
		if err == nil && ref.Context().Name() == images.String() {
			if snapshot, err := layers.LoadImport(ctx, images, ref.DigestStr()); err == nil && snapshot.Inline() {
				return snapshot
			}
		}
	}
	for _, snapshot := range s.imports {
		if snapshot.Inline() && snapshot.In(images) {
			return snapshot
		}
	}
	return nil
}

// inImage says what became of the cached layers that are part of the app image.
func inImage(made made, previous, app *layers.Snapshot) []layers.LayerReport {
	before := map[string]map[string]string{}
	if previous != nil {
		for _, bp := range previous.Metadata().Buildpacks {
			before[bp.ID] = map[string]string{}
			for layer, md := range bp.Layers {
				before[bp.ID][layer] = md.SHA
			}
		}
	}
	var all []layers.LayerReport
	for _, bp := range app.Metadata().Buildpacks {
		for _, layer := range slices.Sorted(maps.Keys(bp.Layers)) {
			md := bp.Layers[layer]
			if !md.Launch || !slices.Contains(made.group, bp.ID) {
				continue
			}
			one := layers.LayerReport{ID: layers.LayerID{Buildpack: bp.ID, Layer: layer}, Reason: "in the app image"}
			switch before[bp.ID][layer] {
			case "":
				one.Status = layers.Added
			case md.SHA:
				one.Status = layers.Reused
			default:
				one.Status = layers.Updated
			}
			if found, ok := app.Layer(md.SHA); ok {
				one.Size = found.Stored()
			}
			all = append(all, one)
		}
	}
	return all
}
