package layers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/web"
)

// push archives, compresses and stores the layer in one pass.
func (s *saver) push(ctx context.Context, layer *saved, archive *treeArchive) error {
	press := s.pressFor(layer.layer)
	salt := len(readUnusable(s.StateDir, s.dirOf(layer.layer.ID))) > 0
	if salt {
		var err error
		if press, err = s.saltable(press); err != nil {
			return err
		}
	}
	var kept *keptFrames
	if layer.changed != nil && press.codec == Zstd && s.Compression.Level == nil {
		kept = openKeptFrames(s.StateDir, layer.changed)
		defer kept.close()
	}
	stored, _, sent, err := s.stream(ctx, press, salt, func(w *frameWriter) error {
		w.kept = kept
		return archive.writeTo(w)
	})
	var source *sourceError
	if errors.As(err, &source) {
		return layer.fail(ctx, source.error)
	}
	if err != nil {
		return fmt.Errorf("storing %s: %w", layer.layer.ID, err)
	}
	if previousDiffID(s.usable, layer.layer.ID) != "" {
		stored.blob.Annotations[volatileAnnotation] = "true"
	}
	layer.conclude(s.usable, stored, sent)
	return nil
}

// pressFor is the press for a layer: one that keeps the diffID of its archive for
// layers whose diffID means something elsewhere.
func (s *saver) pressFor(layer CachedLayer) *press {
	if layer.isPlain() {
		return s.plain
	}
	return s.press
}

// isPlain reports whether the layer's diffID has to be that of its archive, which
// is as the lifecycle makes it.
func (l CachedLayer) isPlain() bool { return l.Metadata.Launch || l.ID == sbomID }

// stream pushes what fill writes through a press into the store, with salt as
// another blob than any before it, and tries again if that fails; fill may run
// several times. What fill returns comes back as a
// *sourceError. It returns the layer, the digest of the archive and how many bytes
// were sent.
func (s *saver) stream(ctx context.Context, press *press, salt bool, fill func(*frameWriter) error) (layer storedLayer, archive string, sent int64, err error) {
	err = again(ctx, func() error {
		layer, archive, sent, err = s.streamOnce(ctx, press, salt, fill)
		return err
	})
	return layer, archive, sent, err
}

func (s *saver) streamOnce(ctx context.Context, press *press, salt bool, fill func(*frameWriter) error) (storedLayer, string, int64, error) {
	mediaType, err := Compression{Codec: press.codec}.mediaType(s.DockerMediaTypes)
	if err != nil {
		return storedLayer{}, "", 0, err
	}
	var (
		out    packed
		runErr error
		done   chan struct{}
	)
	pushed, err := s.Store.Push(ctx, v1.Descriptor{MediaType: mediaType}, func() (io.ReadCloser, error) {
		done = make(chan struct{})
		reader, writer := io.Pipe()
		go func() {
			defer close(done)
			out, runErr = press.pack(ctx, writer, salt, fill)
			writer.CloseWithError(runErr)
		}()
		return reader, nil
	})
	if done != nil {
		<-done
	}
	if source := (*sourceError)(nil); errors.As(runErr, &source) {
		return storedLayer{}, "", 0, source
	}
	pushed.Descriptor.Annotations = out.annotations
	return storedLayer{diffID: out.diffID, blob: pushed.Descriptor}, out.archive, pushed.Sent, err
}

// pushes is how often a push is tried. A store cannot repeat it: it gets to see
// what is pushed only once.
const pushes = 3

// again calls push until it succeeds, it is certain that it will not, or enough
// is enough.
func again(ctx context.Context, push func() error) error {
	return web.Rule{Attempts: pushes}.Do(ctx, func() (bool, error) {
		err := push()
		source := (*sourceError)(nil)
		final := errors.As(err, &source) || errors.Is(err, ErrDenied) || errors.Is(err, ErrNotFound)
		return err != nil && !final && web.Transient(err), err
	})
}

// pushBytes stores something small.
func pushBytes(ctx context.Context, store Store, want v1.Descriptor, data []byte) (sent int64, err error) {
	err = again(ctx, func() error {
		pushed, err := store.Push(ctx, want, func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(data)), nil
		})
		sent = pushed.Sent
		return err
	})
	return sent, err
}
