package layers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
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
	layer, ok := snapshot.metadata.MetadataForBuildpack(id.Buildpack).Layers[id.Layer]
	if !ok || !layer.Cache {
		return ""
	}
	return layer.SHA
}

// saveLayer brings one layer into the store. The error is the store's; what is
// wrong with the layer itself goes into the report.
func (s *saver) saveLayer(ctx context.Context, layer *saved) error {
	id := layer.layer.ID
	form := archiveForm{
		prefix:     s.ArchivePrefix,
		dir:        s.dirOf(id),
		normalized: layer.layer.Metadata.Launch || id == sbomID,
		uid:        s.UID, gid: s.GID,
	}
	entries, root, err := listTree(filepath.Join(s.LayersDir, form.dir))
	if err != nil {
		return layer.fail(ctx, err)
	}
	defer root.Close()
	archive := &treeArchive{form: form, layersDir: s.LayersDir, entries: entries, root: root}

	diffID, err := s.recognise(ctx, layer, archive)
	if err != nil {
		return layer.fail(ctx, err)
	}
	if diffID != "" {
		found, err := s.adopt(ctx, layer, diffID)
		if found || err != nil {
			return err
		}
	}
	return s.push(ctx, layer, archive)
}

// recognise finds out the layer's diffID if that is cheaper than pushing it: by
// its fingerprint or, if some snapshot has the layer, by archiving it into
// nothing. "" means that the layer is new. The error is about the layer.
func (s *saver) recognise(ctx context.Context, layer *saved, archive *treeArchive) (string, error) {
	dir := archive.form.dir
	if f := readFingerprint(s.StateDir, dir); f != nil {
		fits, err := f.fits(archive.form, s.LayersDir)
		if err != nil {
			return "", err
		}
		if fits {
			v, err := f.compare(archive.entries, archive.root)
			if err != nil {
				return "", err
			}
			layer.report.Reason = v.reason()
			if !v.same {
				return "", nil
			}
			layer.origin = f.origin
			return f.diffID, nil
		}
	}
	if !s.mayBeKnown(layer.layer.ID) {
		return "", nil
	}
	return s.press.run(ctx, nil, archive.writeTo)
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
func (l *saved) conclude(previous *Snapshot, stored storedLayer, sent int64) {
	l.stored = stored
	switch previousDiffID(previous, l.layer.ID) {
	case "":
		l.report.Status = Added
	case stored.diffID:
		l.report.Status = Reused
	default:
		l.report.Status = Updated
	}
	l.report.Size, l.report.Sent = stored.blob.Size, sent
}

// fail notes that the layer cannot be archived. A build that was cancelled is
// not the layer's fault.
func (l *saved) fail(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	l.stored = storedLayer{}
	l.report.Status, l.report.Reason = Failed, err.Error()
	return nil
}

// push archives, compresses and stores the layer in one pass.
func (s *saver) push(ctx context.Context, layer *saved, archive *treeArchive) error {
	diffID, pushed, err := s.stream(ctx, archive.writeTo)
	var source *sourceError
	if errors.As(err, &source) {
		return layer.fail(ctx, source.error)
	}
	if err != nil {
		return fmt.Errorf("storing %s: %w", layer.layer.ID, err)
	}
	layer.conclude(s.usable, storedLayer{diffID: diffID, blob: pushed.Descriptor}, pushed.Sent)
	return nil
}

// stream pushes what fill writes through the press into the store. What fill
// returns comes back as a *sourceError.
func (s *saver) stream(ctx context.Context, fill func(*frameWriter) error) (string, Pushed, error) {
	mediaType, err := s.Compression.mediaType(s.DockerMediaTypes)
	if err != nil {
		return "", Pushed{}, err
	}
	var (
		diffID string
		runErr error
		done   chan struct{}
	)
	pushed, err := s.Store.Push(ctx, v1.Descriptor{MediaType: mediaType}, func() (io.ReadCloser, error) {
		done = make(chan struct{})
		reader, writer := io.Pipe()
		go func() {
			defer close(done)
			diffID, runErr = s.press.run(ctx, writer, fill)
			writer.CloseWithError(runErr)
		}()
		return reader, nil
	})
	if done != nil {
		<-done
	}
	if source := (*sourceError)(nil); errors.As(runErr, &source) {
		return "", Pushed{}, source
	}
	return diffID, pushed, errors.Join(err)
}
