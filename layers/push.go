package layers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

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

// stream pushes what fill writes through the press into the store, and tries
// again if that fails; fill may run several times. What fill returns comes back
// as a *sourceError.
func (s *saver) stream(ctx context.Context, fill func(*frameWriter) error) (diffID string, pushed Pushed, err error) {
	err = again(ctx, func() error {
		diffID, pushed, err = s.streamOnce(ctx, fill)
		return err
	})
	return diffID, pushed, err
}

func (s *saver) streamOnce(ctx context.Context, fill func(*frameWriter) error) (string, Pushed, error) {
	mediaType, err := s.Compression.mediaType(s.DockerMediaTypes)
	if err != nil {
		return "", Pushed{}, err
	}
	var (
		diffID string
		size   int64
		runErr error
		done   chan struct{}
	)
	pushed, err := s.Store.Push(ctx, v1.Descriptor{MediaType: mediaType}, func() (io.ReadCloser, error) {
		done = make(chan struct{})
		reader, writer := io.Pipe()
		go func() {
			defer close(done)
			diffID, runErr = s.press.run(ctx, writer, func(w *frameWriter) error {
				err := fill(w)
				size = w.written
				return err
			})
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
	pushed.Descriptor.Annotations = map[string]string{sizeAnnotation: strconv.FormatInt(size, 10)}
	return diffID, pushed, err
}

// pushRetries is how often a push is repeated. A store cannot do it: it gets to
// see what is pushed only once.
const pushRetries = 2

// again calls push until it succeeds, it is certain that it will not, or enough
// is enough.
func again(ctx context.Context, push func() error) error {
	for retry := 0; ; retry++ {
		err := push()
		source := (*sourceError)(nil)
		final := errors.As(err, &source) || errors.Is(err, ErrDenied) || errors.Is(err, ErrNotFound) || ctx.Err() != nil
		if err == nil || final || retry == pushRetries {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Second << retry):
		}
	}
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
