package layers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

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
	archive := func(to io.Writer) error {
		return writeArchive(ctx, to, form, s.LayersDir, entries, root)
	}
	if s.mayBeKnown(id) {
		hash := newTarHash()
		if err := archive(hash); err != nil {
			return layer.fail(ctx, err)
		}
		found, err := s.adopt(ctx, layer, hashOf(hash).String())
		if found || err != nil {
			return err
		}
	}
	return s.push(ctx, layer, archive)
}

// mayBeKnown reports whether any snapshot has the layer in some form.
func (s *saver) mayBeKnown(id LayerID) bool {
	if previousDiffID(s.usable, id) != "" {
		return true
	}
	for _, snapshot := range s.Imports {
		if previousDiffID(snapshot, id) != "" {
			return true
		}
	}
	return false
}

// adopt takes the layer from a snapshot that has it.
func (s *saver) adopt(ctx context.Context, layer *saved, diffID string) (bool, error) {
	if s.usable == nil {
		return false, nil
	}
	blob, ok := s.usable.Blob(diffID)
	if !ok {
		return false, nil
	}
	layer.stored = storedLayer{diffID: diffID, blob: blob}
	layer.conclude(s.usable, 0)
	return true, nil
}

// conclude fills in the report of a layer that is in the store.
func (l *saved) conclude(previous *Snapshot, sent int64) {
	switch previousDiffID(previous, l.layer.ID) {
	case "":
		l.report.Status = Added
	case l.stored.diffID:
		l.report.Status = Reused
	default:
		l.report.Status = Updated
	}
	l.report.Size = l.stored.blob.Size
	l.report.Sent = sent
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
func (s *saver) push(ctx context.Context, layer *saved, archive func(io.Writer) error) error {
	mediaType, err := s.Compression.mediaType(s.DockerMediaTypes)
	if err != nil {
		return err
	}
	hash := newTarHash()
	var archiveErr error
	done := make(chan struct{})
	opened := false
	pushed, err := s.Store.Push(ctx, v1.Descriptor{MediaType: mediaType}, func() (io.ReadCloser, error) {
		opened = true
		reader, writer := io.Pipe()
		go func() {
			defer close(done)
			compressed, err := s.Compression.writer(writer)
			if err == nil {
				archiveErr = archive(io.MultiWriter(hash, compressed))
				err = errors.Join(archiveErr, compressed.Close())
			}
			writer.CloseWithError(err)
		}()
		return reader, nil
	})
	if opened {
		<-done
	}
	if archiveErr != nil && !errors.Is(archiveErr, io.ErrClosedPipe) {
		return layer.fail(ctx, archiveErr)
	}
	if err != nil {
		return fmt.Errorf("storing %s: %w", layer.layer.ID, err)
	}
	pushed.Descriptor.MediaType = mediaType
	layer.stored = storedLayer{diffID: hashOf(hash).String(), blob: pushed.Descriptor}
	layer.conclude(s.usable, pushed.Sent)
	return nil
}

func (c Compression) writer(to io.Writer) (io.WriteCloser, error) {
	switch c.codec() {
	case Zstd:
		return zstd.NewWriter(to, zstd.WithEncoderLevel(c.zstdLevel()))
	case Gzip:
		return gzip.NewWriterLevel(to, c.gzipLevel())
	default:
		return nopWriteCloser{to}, nil
	}
}

type nopWriteCloser struct{ io.Writer }

func (nopWriteCloser) Close() error { return nil }
