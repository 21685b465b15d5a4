package rootfs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func one(content string) *FS {
	f := New()
	f.File("file", 0o644, Owner{}, []byte(content))
	return f
}

func TestStoreMakesALayerOnce(t *testing.T) {
	t.Parallel()
	store := Store{Dir: t.TempDir()}
	var made atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			l, err := store.Layer(t.Context(), "key", func(f *FS, _ *Spool) error {
				made.Add(1)
				f.File("file", 0o644, Owner{}, []byte("content"))
				return nil
			})
			if err != nil {
				t.Error(err)
			} else if err := validate.Layer(l); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if made.Load() != 1 {
		t.Errorf("made %d times", made.Load())
	}
}

func TestStoreContent(t *testing.T) {
	t.Parallel()
	store := Store{Dir: t.TempDir()}
	l, err := store.Add(one("content"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Layer(l); err != nil {
		t.Error(err)
	}
	plain, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	got, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	if want := write(t, one("content")); !bytes.Equal(got, want) {
		t.Error("the layer is not what was added")
	}
}

func TestStoreMakesAnewWhatIsDamaged(t *testing.T) {
	t.Parallel()
	store := Store{Dir: t.TempDir()}
	fill := func(f *FS, _ *Spool) error {
		f.File("file", 0o644, Owner{}, []byte("content"))
		return nil
	}
	first, err := store.Layer(t.Context(), "key", fill)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := first.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(store.blob(digest), 10); err != nil {
		t.Fatal(err)
	}
	second, err := store.Layer(t.Context(), "key", fill)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Layer(second); err != nil {
		t.Error(err)
	}
}

func TestStoreKeepsNothingOfAFailure(t *testing.T) {
	t.Parallel()
	store := Store{Dir: t.TempDir()}
	broken := errors.New("broken")
	if _, err := store.Layer(t.Context(), "key", func(*FS, *Spool) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	blobs, err := filepath.Glob(filepath.Join(store.Dir, "blobs", "*", "*"))
	if err != nil || len(blobs) != 0 {
		t.Errorf("left behind: %v, %v", blobs, err)
	}
}

func TestLockWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "dir", "lock")
	unlock, err := Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Lock(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	unlock()
	unlock, err = Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}
