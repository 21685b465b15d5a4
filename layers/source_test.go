package layers

import (
	"errors"
	"fmt"
	"io"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers/blob"
)

// TestSourceAsksOnce does not repeat what a store does not have or does not give.
func TestSourceAsksOnce(t *testing.T) {
	t.Parallel()
	for _, want := range []error{ErrNotFound, ErrDenied} {
		store := newFakeStore()
		store.onOpen = func(v1.Descriptor, int64, int64) (io.ReadCloser, error) { return nil, fmt.Errorf("fake: %w", want) }
		reader := openBlob(t.Context(), store, v1.Descriptor{Digest: blob.DigestOf(nil), Size: 1}, nil)
		_, err := io.ReadAll(reader)
		if err := errors.Join(err, reader.Close()); !errors.Is(err, want) || store.opens != 1 {
			t.Errorf("%v after %d attempts, want %v", err, store.opens, want)
		}
	}
}
