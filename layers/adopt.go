package layers

import (
	"context"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers/blob"
)

// Mounter is an optional interface of stores that can take over a blob of another
// store without moving its bytes. MountFrom returns false without an error where
// that is not possible; the blob is then pushed.
type Mounter interface {
	MountFrom(ctx context.Context, from Store, blob v1.Descriptor) (bool, error)
}

// adopt takes the content of a layer from a snapshot that has it, and reports
// whether one did. The error is the own store's.
func (s *saver) adopt(ctx context.Context, layer *saved, diffID string) (bool, error) {
	unusable := readUnusable(s.StateDir, s.dirOf(layer.layer.ID))
	for _, source := range s.sources() {
		found, ok := s.lookUp(source, diffID, layer.layer.isPlain())
		if !ok || found.isAmong(unusable) || s.mustRecode(found, s.pressFor(layer.layer)) {
			continue
		}
		var sent int64
		var err error
		switch {
		case source != s.usable:
			sent, err = copyLayer(ctx, source.store, s.Store, found)
		case s.contended || layer.origin != found.origin(source.store):
			err = probe(ctx, source.store, found)
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
func (s *saver) lookUp(in *Snapshot, diffID string, exactly bool) (Layer, bool) {
	if found, ok := in.withArchive(diffID, exactly); ok || exactly {
		return found, ok
	}
	for _, other := range s.sources() {
		if known, ok := other.Layer(diffID); ok {
			if digest, _ := known.archive(); digest != diffID {
				return in.withArchive(digest, false)
			}
		}
	}
	return Layer{}, false
}

// takeOver takes a layer that is not in the layers directory from a snapshot
// that has it. If none does, the layer is absent. The error is the own store's.
func (s *saver) takeOver(ctx context.Context, layer *saved) error {
	unusable := readUnusable(s.StateDir, s.dirOf(layer.layer.ID))
	lacking := true
	for _, source := range s.sources() {
		stored, ok := source.Layer(layer.layer.Elsewhere)
		lacking = lacking && !ok
		if !ok || stored.isAmong(unusable) {
			continue
		}
		var sent int64
		var err error
		switch {
		case s.mustRecode(stored, s.pressFor(layer.layer)):
			stored, sent, err = s.recode(ctx, source, stored, s.pressFor(layer.layer))
		case source != s.usable:
			sent, err = copyLayer(ctx, source.store, s.Store, stored)
		default:
			err = probe(ctx, source.store, stored)
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
	if lacking {
		layer.report.Status, layer.report.Reason = Absent, "the build did not make it again, and only the app image has it"
		return nil
	}
	return layer.fail(ctx, errors.New("the build did not make it again, and no cache has it whole"))
}

// probeWhole is how large a blob may be that is read whole to find out whether it
// is good: that takes no longer than asking for a byte of it.
const probeWhole = 32 << 10

// probe finds out whether the blobs of a layer are there: a snapshot may outlive them
// where somebody cleans up.
func probe(ctx context.Context, store Store, layer Layer) error {
	for _, content := range layer.Blobs {
		if err := probeBlob(ctx, store, content); err != nil {
			return err
		}
	}
	return nil
}

// probeBlob finds out whether a blob is there. Of a large one, the last byte has to be.
func probeBlob(ctx context.Context, store Store, content v1.Descriptor) error {
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

// copyLayer brings the blobs of a layer over from another store, and returns how many
// bytes that sent.
func copyLayer(ctx context.Context, from, to Store, layer Layer) (sent int64, err error) {
	for _, content := range layer.Blobs {
		n, err := copyBlob(ctx, from, to, content)
		if sent += n; err != nil {
			return sent, err
		}
	}
	return sent, nil
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

// mustRecode reports whether a layer cannot be taken as it is where press would
// make it.
func (s *saver) mustRecode(layer Layer, press *blob.Press) bool {
	have := layer.Codec()
	return s.ForceCompression && have != press.Codec() || s.DockerMediaTypes && have == blob.Zstd
}

// recode stores a layer of a snapshot as press makes it: the same archive, which
// may have another diffID then. What is wrong with the layer comes back as a
// *blob.SourceError.
func (s *saver) recode(ctx context.Context, from *Snapshot, layer Layer, press *blob.Press) (Layer, int64, error) {
	want, size := layer.archive()
	fill := func(w *blob.Writer) error { return from.decode(ctx, layer, size, w) }
	stored, got, sent, err := s.stream(ctx, press, blob.Content{Fill: fill})
	if err != nil {
		return Layer{}, 0, err
	}
	if got != want {
		return Layer{}, 0, &blob.SourceError{Err: fmt.Errorf("archive has digest %s instead of %s: %w", got, want, ErrCorrupt)}
	}
	return stored, sent, nil
}

// decode writes the archive of a layer, of which size bytes count; all if that is
// negative.
func (s *Snapshot) decode(ctx context.Context, layer Layer, size int64, to io.Writer) error {
	reading, err := s.open(ctx, layer, "", nil)
	if err != nil {
		return err
	}
	defer reading.Close()
	archive := io.Reader(reading)
	if size >= 0 {
		archive = io.LimitReader(reading, size)
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{archive}, make([]byte, 256<<10)); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, reading); err != nil {
		return err
	}
	return reading.finish()
}
