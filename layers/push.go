package layers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers/archive"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// push archives, compresses and stores the layer in one pass.
func (s *saver) push(ctx context.Context, layer *saved, tree *archive.Tree) error {
	press := s.pressFor(layer.layer)
	salt := len(readUnusable(s.StateDir, s.dirOf(layer.layer.ID))) > 0
	if salt {
		var err error
		if press, err = saltable(press); err != nil {
			return err
		}
	}
	content := blob.Content{Fill: tree.WriteArchive, Salt: salt}
	if changed := layer.changed; changed != nil && press.Codec() == blob.Zstd && s.Compression.Level == nil {
		content.Kept = blob.OpenKeptFrames(stateFile(s.StateDir, changed.Dir, framesState), changed.Key, changed.Frames)
		defer content.Kept.Close()
	}
	stored, _, sent, err := s.stream(ctx, press, content)
	var source *blob.SourceError
	if errors.As(err, &source) {
		return layer.fail(ctx, source.Err)
	}
	if err != nil {
		return fmt.Errorf("storing %s: %w", layer.layer.ID, err)
	}
	if previousDiffID(s.usable, layer.layer.ID) != "" {
		stored.whole().Annotations[volatileAnnotation] = "true"
	}
	layer.conclude(s.usable, stored, sent)
	return nil
}

// pressFor is the press for a layer: one that keeps the diffID of its archive for
// layers whose diffID means something elsewhere.
func (s *saver) pressFor(layer CachedLayer) *blob.Press {
	if layer.isPlain() {
		return s.plain
	}
	return s.press
}

// isPlain reports whether the layer's diffID has to be that of its archive, which
// is as the lifecycle makes it.
func (l CachedLayer) isPlain() bool { return l.Metadata.Launch || l.ID == sbomID }

// saltable is the press for a layer that is to have a salt.
func saltable(press *blob.Press) (*blob.Press, error) {
	if press.Salts() {
		return press, nil
	}
	return blob.NewPress(blob.Compression{Codec: blob.Gzip})
}

// stream pushes content through a press into the store, and tries again if that
// fails. What is wrong with the content comes back as a *blob.SourceError. It returns
// the layer, the digest of the archive and how many bytes were sent.
func (s *saver) stream(ctx context.Context, press *blob.Press, content blob.Content) (layer Layer, archive string, sent int64, err error) {
	err = again(ctx, func() error {
		layer, archive, sent, err = s.streamOnce(ctx, press, content)
		return err
	})
	return layer, archive, sent, err
}

func (s *saver) streamOnce(ctx context.Context, press *blob.Press, content blob.Content) (Layer, string, int64, error) {
	mediaType, err := blob.Compression{Codec: press.Codec()}.MediaType(s.DockerMediaTypes)
	if err != nil {
		return Layer{}, "", 0, err
	}
	var (
		out    blob.Packed
		runErr error
		done   chan struct{}
	)
	pushed, err := s.Store.Push(ctx, v1.Descriptor{MediaType: mediaType}, func() (io.ReadCloser, error) {
		done = make(chan struct{})
		reader, writer := io.Pipe()
		go func() {
			defer close(done)
			out, runErr = press.Pack(ctx, writer, content)
			writer.CloseWithError(runErr)
		}()
		return reader, nil
	})
	if done != nil {
		<-done
	}
	if source := (*blob.SourceError)(nil); errors.As(runErr, &source) {
		return Layer{}, "", 0, source
	}
	pushed.Descriptor.Annotations = out.Annotations
	return layerOf(out.DiffID, pushed.Descriptor), out.Archive, pushed.Sent, err
}

// pushes is how often a push is tried. A store cannot repeat it: it gets to see
// what is pushed only once.
const pushes = 3

// again calls push until it succeeds, it is certain that it will not, or enough
// is enough.
func again(ctx context.Context, push func() error) error {
	return web.Rule{Attempts: pushes}.Do(ctx, func() (bool, error) {
		err := push()
		source := (*blob.SourceError)(nil)
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
