package layers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers/blob"
)

// Mounter is what a Store may be besides: one that can take over a blob of
// another store without moving its bytes. It returns false without an error
// where that is not possible and Push is the way.
type Mounter interface {
	MountFrom(ctx context.Context, from Store, blob v1.Descriptor) (bool, error)
}

// adopt takes the content of a layer from a snapshot that has it, and reports
// whether one did. The error is the own store's.
func (s *saver) adopt(ctx context.Context, layer *saved, diffID string) (bool, error) {
	unusable := readUnusable(s.StateDir, s.dirOf(layer.layer.ID))
	for _, source := range s.sources() {
		found, ok := s.lookUp(source, diffID, layer.layer.isPlain())
		if !ok || slices.Contains(unusable, found.blob.Digest.String()) || s.mustRecode(found.blob, s.pressFor(layer.layer)) {
			continue
		}
		var sent int64
		var err error
		switch {
		case source != s.usable:
			sent, err = copyBlob(ctx, source.store, s.Store, found.blob)
		case s.contended || layer.origin != origin(source.store, found.blob):
			err = probe(ctx, source.store, found.blob)
		}
		if lost := (*blob.SourceError)(nil); errors.As(err, &lost) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("storing %s: %w", layer.layer.ID, err)
		}
		if source != s.usable {
			layer.report.Reason = "copied from " + source.String()
		}
		layer.conclude(s.usable, found, sent)
		return true, nil
	}
	return false, nil
}

// lookUp finds a layer in a snapshot. diffID may also be that of a blob in
// another one, with the same archive, unless exactly that diffID is wanted.
func (s *saver) lookUp(in *Snapshot, diffID string, exactly bool) (storedLayer, bool) {
	if found, ok := in.withArchive(diffID, exactly); ok || exactly {
		return found, ok
	}
	for _, other := range s.sources() {
		if known, ok := other.Blob(diffID); ok {
			if digest, _ := blob.ArchiveOf(known, diffID); digest != diffID {
				return in.withArchive(digest, false)
			}
		}
	}
	return storedLayer{}, false
}

// takeOver takes a layer that is not in the layers directory from a snapshot
// that has it. If none does, the layer has failed. The error is the own store's.
func (s *saver) takeOver(ctx context.Context, layer *saved) error {
	unusable := readUnusable(s.StateDir, s.dirOf(layer.layer.ID))
	for _, source := range s.sources() {
		found, ok := source.Blob(layer.layer.Elsewhere)
		if !ok || slices.Contains(unusable, found.Digest.String()) {
			continue
		}
		stored := storedLayer{diffID: layer.layer.Elsewhere, blob: found}
		var sent int64
		var err error
		switch {
		case s.mustRecode(found, s.pressFor(layer.layer)):
			stored, sent, err = s.recode(ctx, source, stored, s.pressFor(layer.layer))
		case source != s.usable:
			sent, err = copyBlob(ctx, source.store, s.Store, found)
		default:
			err = probe(ctx, source.store, found)
		}
		if lost := (*blob.SourceError)(nil); errors.As(err, &lost) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return fmt.Errorf("storing %s: %w", layer.layer.ID, err)
		}
		layer.conclude(s.usable, stored, sent)
		return nil
	}
	return layer.fail(ctx, errors.New("the build did not make it again, and no cache has it"))
}

// probeWhole is how large a blob may be that is read whole to find out whether it
// is good: that takes no longer than asking for a byte of it.
const probeWhole = 32 << 10

// probe finds out whether a blob is there: a snapshot may outlive its blobs where
// somebody cleans up. Of a large one, the last byte has to be there.
func probe(ctx context.Context, store Store, content v1.Descriptor) error {
	if content.Size <= probeWhole {
		reader := openBlob(ctx, store, content, nil)
		defer reader.Close()
		if _, err := io.Copy(io.Discard, reader); err != nil {
			return &blob.SourceError{Err: err}
		}
		return nil
	}
	stream, err := store.Open(ctx, content, content.Size-1, 1)
	if err != nil {
		return &blob.SourceError{Err: err}
	}
	n, err := io.Copy(io.Discard, stream)
	if err == nil && n == 0 {
		err = fmt.Errorf("blob %s is shorter than its %d bytes: %w", content.Digest, content.Size, ErrCorrupt)
	}
	if err = errors.Join(err, stream.Close()); err != nil {
		return &blob.SourceError{Err: err}
	}
	return nil
}

// copyBlob brings a blob over from another store, verified on the way, and
// returns how many bytes that sent.
func copyBlob(ctx context.Context, from, to Store, content v1.Descriptor) (int64, error) {
	if mounter, ok := to.(Mounter); ok {
		if mounted, err := mounter.MountFrom(ctx, from, content); mounted && err == nil {
			return 0, nil
		}
	}
	var sent int64
	err := again(ctx, func() error {
		var reader *blob.Reader
		pushed, err := to.Push(ctx, content, func() (io.ReadCloser, error) {
			reader = openBlob(ctx, from, content, nil)
			return reader, nil
		})
		sent = pushed.Sent
		if err != nil && reader != nil && reader.Err() != nil {
			return &blob.SourceError{Err: reader.Err()}
		}
		return err
	})
	return sent, err
}

// mustRecode reports whether a blob cannot be taken as it is where press would
// make it.
func (s *saver) mustRecode(content v1.Descriptor, press *blob.Press) bool {
	have := blob.CodecOf(content)
	return s.ForceCompression && have != press.Codec() || s.DockerMediaTypes && have == blob.Zstd
}

// recode stores a blob of a snapshot as press makes it: the same archive, which
// may have another diffID then. What is wrong with the blob comes back as a
// *blob.SourceError.
func (s *saver) recode(ctx context.Context, from *Snapshot, layer storedLayer, press *blob.Press) (storedLayer, int64, error) {
	want, size := blob.ArchiveOf(layer.blob, layer.diffID)
	fill := func(w *blob.Writer) error { return from.decode(ctx, layer.blob, size, w) }
	stored, got, sent, err := s.stream(ctx, press, blob.Content{Fill: fill})
	if err != nil {
		return storedLayer{}, 0, err
	}
	if got != want {
		return storedLayer{}, 0, &blob.SourceError{Err: fmt.Errorf("archive has digest %s instead of %s: %w", got, want, ErrCorrupt)}
	}
	return stored, sent, nil
}

// decode writes the archive in a blob, of which size bytes count; all if that is
// negative.
func (s *Snapshot) decode(ctx context.Context, content v1.Descriptor, size int64, to io.Writer) error {
	bound, err := blob.BoundOf(content, "")
	if err != nil {
		return err
	}
	reader := openBlob(ctx, s.store, content, s.memory)
	defer reader.Close()
	decoded, err := blob.NewDecoder(reader, bound)
	if err != nil {
		return err
	}
	defer decoded.Close()
	archive := io.Reader(decoded)
	if size >= 0 {
		archive = io.LimitReader(decoded, size)
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{to}, archive, make([]byte, 256<<10)); err != nil {
		return err
	}
	for _, rest := range []io.Reader{decoded, reader} {
		if _, err := io.Copy(io.Discard, rest); err != nil {
			return err
		}
	}
	return nil
}
