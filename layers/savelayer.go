package layers

import (
	"cmp"
	"context"
	"os"
	"path/filepath"

	"github.com/pack-cache/pack-cache/layers/archive"
)

// dirOf is where the layer is below the layers directory.
func (s *saver) dirOf(id LayerID) string {
	if id == sbomID {
		return s.SBOM
	}
	return id.Dir()
}

func (s *saver) hasSBOM() bool {
	if s.SBOM == "" {
		return false
	}
	info, err := os.Lstat(filepath.Join(s.LayersDir, s.SBOM))
	return err == nil && info.IsDir()
}

// previousDiffID is what the layer was in the snapshot, "" if it was not there.
func previousDiffID(snapshot *Snapshot, id LayerID) string {
	if snapshot == nil {
		return ""
	}
	if id == sbomID {
		return snapshot.metadata.BOM.SHA
	}
	return snapshot.metadata.MetadataForBuildpack(id.Buildpack).Layers[id.Layer].SHA
}

// saveLayer brings one layer into the store. The error is the store's; what is
// wrong with the layer itself goes into the report.
func (s *saver) saveLayer(ctx context.Context, layer *saved) error {
	id := layer.layer.ID
	if layer.layer.Elsewhere != "" {
		return s.takeOver(ctx, layer)
	}
	form := s.form(s.dirOf(id), layer.layer.isPlain())
	tree, err := archive.List(form)
	if err != nil {
		return layer.fail(ctx, err)
	}
	defer tree.Close()

	diffID, err := s.recognise(ctx, layer, form, tree)
	if err != nil {
		return layer.fail(ctx, err)
	}
	if diffID != "" {
		found, err := s.adopt(ctx, layer, diffID)
		if found || err != nil {
			return err
		}
		layer.report.Reason = ""
	}
	return s.push(ctx, layer, tree)
}

// recognise finds out the layer's diffID if that is cheaper than pushing it: by
// its fingerprint or, if some snapshot has the layer, by archiving it into
// nothing. "" means that the layer is new. The error is about the layer.
func (s *saver) recognise(ctx context.Context, layer *saved, form archive.Form, tree *archive.Tree) (string, error) {
	if f := readFingerprint(s.StateDir, form.Dir); f != nil {
		fits, err := f.Fits(form)
		if err != nil {
			return "", err
		}
		if fits {
			v, err := f.Compare(ctx, tree)
			if err != nil {
				return "", err
			}
			if !v.Same {
				layer.report.Reason, layer.changed = v.Reason(), f
				return "", nil
			}
			layer.origin = f.Origin
			return f.DiffID, nil
		}
	}
	if !s.mayBeKnown(layer.layer.ID) {
		return "", nil
	}
	return s.plain.Digest(ctx, tree.WriteArchive)
}

// mayBeKnown reports whether any snapshot has the layer in some form.
func (s *saver) mayBeKnown(id LayerID) bool {
	for _, snapshot := range s.sources() {
		if previousDiffID(snapshot, id) != "" {
			return true
		}
	}
	return false
}

// sources are the snapshots that layers can come from, the cheapest first.
func (s *saver) sources() []*Snapshot {
	if s.usable == nil {
		return s.Imports
	}
	return append([]*Snapshot{s.usable}, s.Imports...)
}

// conclude fills in the report of a layer that is in the store.
func (l *saved) conclude(previous *Snapshot, stored Layer, sent int64) {
	l.stored = stored
	var reason string
	switch previousDiffID(previous, l.layer.ID) {
	case "":
		l.report.Status, reason = Added, "new in this cache"
	case stored.DiffID:
		l.report.Status, reason = Reused, "unchanged"
		if sent > 0 {
			reason = "unchanged, but stored anew"
		}
	default:
		l.report.Status, reason = Updated, "changed"
	}
	l.report.Reason = cmp.Or(l.report.Reason, reason)
	l.report.Size, l.report.Sent = stored.Stored(), sent
}

// fail notes that the layer cannot be archived. A build that was cancelled is
// not the layer's fault.
func (l *saved) fail(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	l.stored = Layer{}
	l.report.Status, l.report.Reason = Failed, err.Error()
	return nil
}
