package layers

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// keep takes over from base what belongs to buildpacks outside this build, and
// says what of base is gone. Layers in report are this build's own. The error
// is the store's.
func (s *saver) keep(ctx context.Context, base *Snapshot, report *SaveReport) ([]saved, error) {
	others := s.others(base, report)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(4, runtime.GOMAXPROCS(0)))
	for i := range others {
		if layer := &others[i]; layer.report.Status == Kept {
			group.Go(func() error { return s.keepLayer(ctx, base, layer) })
		}
	}
	return others, group.Wait()
}

// others lists the layers of base that this build has not.
func (s *saver) others(base *Snapshot, report *SaveReport) []saved {
	var others []saved
	own := map[LayerID]bool{}
	for _, layer := range report.Layers {
		own[layer.ID] = true
	}
	for _, id := range s.Beside {
		own[id] = true
	}
	for _, bp := range base.metadata.Buildpacks {
		inGroup := slices.Contains(s.Group, bp.ID)
		for _, name := range slices.Sorted(maps.Keys(bp.Layers)) {
			id := LayerID{Buildpack: bp.ID, Layer: name}
			if !bp.Layers[name].Cache && !s.LaunchLayers || own[id] {
				continue
			}
			other := saved{layer: CachedLayer{ID: id, Version: bp.Version, Metadata: bp.Layers[name]}}
			other.report = LayerReport{ID: id, Status: Kept, Reason: "its buildpack was not part of this build"}
			if inGroup {
				other.report.Status, other.report.Reason = Removed, "the build did not make it again"
			}
			others = append(others, other)
		}
	}
	return others
}

// keepLayer makes sure that a layer of base can be part of the new snapshot. One
// whose content is lost is removed.
func (s *saver) keepLayer(ctx context.Context, base *Snapshot, layer *saved) error {
	stored, ok := base.Layer(layer.layer.Metadata.SHA)
	if !ok {
		layer.report.Status, layer.report.Reason = Removed, "the previous snapshot did not have its content"
		return nil
	}
	var sent int64
	var err error
	if press := s.pressFor(layer.layer); s.mustRecode(stored, press) {
		stored, sent, err = s.recode(ctx, base, stored, press)
	} else {
		err = probe(ctx, base.store, stored)
	}
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrCorrupt) {
		layer.report.Status, layer.report.Reason = Removed, "its content is lost: "+err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	layer.stored = stored
	layer.report.Size, layer.report.Sent = stored.Stored(), sent
	return nil
}
