package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/storetest"
)

func openFake(f *fakeService) *Store {
	return New(Config{Service: f, Label: "fake://bucket", Blobs: "blobs/", Manifests: "manifests/", Refresh: time.Hour})
}

// TestContract has the store pass where conditions are of no use. Packages s3 and
// azblob have it pass with services that obey them.
func TestContract(t *testing.T) {
	t.Parallel()
	for _, conditions := range []string{"ignored", "refused"} {
		t.Run(conditions, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(*testing.T) layers.Store {
				f := newFake()
				f.conditions = conditions
				return openFake(f)
			}, storetest.Options{
				Large: 17 << 20,
				Reopen: func(_ *testing.T, s layers.Store) layers.Store {
					return openFake(s.(*Store).config.Service.(*fakeService))
				},
			})
		})
	}
}

// save stores a snapshot with one blob, and returns its digest.
func save(t *testing.T, s *Store, name, content string, previous v1.Hash) v1.Hash {
	t.Helper()
	digest, _, err := tryToSave(t, s, name, content, previous)
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

func tryToSave(t *testing.T, s *Store, name, content string, previous v1.Hash) (digest, blob v1.Hash, err error) {
	t.Helper()
	pushed, err := s.Push(t.Context(), v1.Descriptor{}, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil })
	if err != nil {
		t.Fatal(err)
	}
	raw := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},"layers":[]}`,
		pushed.Descriptor.Digest, pushed.Descriptor.Size)
	desc, err := s.Commit(t.Context(), name, "application/vnd.oci.image.manifest.v1+json", []byte(raw), previous)
	return desc.Digest, pushed.Descriptor.Digest, err
}

// wantAt checks what names stand for; the zero Hash is for nothing.
func wantAt(t *testing.T, s *Store, name string, want v1.Hash) {
	t.Helper()
	desc, _, err := s.Resolve(t.Context(), name)
	if desc.Digest != want || (want == v1.Hash{}) != errors.Is(err, layers.ErrNotFound) {
		t.Errorf("%s stands for %v (%v), want %v", name, desc.Digest, err, want)
	}
}

// TestNames has several names stand for a snapshot.
func TestNames(t *testing.T) {
	t.Parallel()
	f := newFake()
	s := openFake(f)
	none := v1.Hash{}
	wantAt(t, s, "a;b", none)
	old := save(t, s, "b", "old", none)
	wantAt(t, s, "a;b", old)
	wantAt(t, s, "b;a", old)
	if done, err := s.Refresh(t.Context(), "a;b", old); done || err != nil {
		t.Errorf("a is missing, but nothing is to do: %v", err)
	}
	if _, _, err := tryToSave(t, s, "a;b", "new", none); !errors.Is(err, layers.ErrConflict) {
		t.Errorf("b was overwritten unseen: %v", err)
	}
	now := save(t, s, "a;b", "new", old)
	wantAt(t, s, "a", now)
	wantAt(t, s, "b", now)
	if done, err := s.Refresh(t.Context(), "a;b", now); !done || err != nil {
		t.Errorf("both are there, but something is to do: %v", err)
	}
	// Another build has moved one of them.
	other := save(t, s, "b", "other", now)
	if done, _ := s.Refresh(t.Context(), "a;b", now); done {
		t.Error("b stands for something else, but nothing is to do")
	}
	wantAt(t, s, "a;b", now)
	wantAt(t, s, "b", other)
	if again := save(t, s, "a;b", "new", now); again != now {
		t.Errorf("the same content gave %v and %v", now, again)
	}
	wantAt(t, s, "b", now)
}

// TestRefresh touches what is getting old, once, and not where that is of no use.
func TestRefresh(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		frozen  bool
		refuses int
		age     time.Duration
		want    int
	}{
		{"young", false, 0, time.Minute, 0},
		{"old", false, 0, 2 * time.Hour, 2},
		{"old, and stays so", true, 0, 2 * time.Hour, 1},
		{"may only be read", false, http.StatusForbidden, 2 * time.Hour, 1},
		{"touched by somebody else", false, http.StatusPreconditionFailed, 2 * time.Hour, 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.frozen, f.refuses = test.frozen, test.refuses
			s := openFake(f)
			digest := save(t, s, "main", "content", v1.Hash{})
			f.age(test.age)
			for range 3 {
				if done, err := s.Refresh(t.Context(), "main", digest); !done || err != nil {
					t.Fatalf("%t, %v", done, err)
				}
			}
			if len(f.copied) != test.want {
				t.Errorf("touched %q, want %d of them", f.copied, test.want)
			}
		})
	}
}

// TestExpired does not make a name stand for a snapshot whose blob is gone.
func TestExpired(t *testing.T) {
	t.Parallel()
	f := newFake()
	s := openFake(f)
	digest, blob, err := tryToSave(t, s, "main", "content", v1.Hash{})
	if err != nil {
		t.Fatal(err)
	}
	_, raw, err := s.Resolve(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	delete(f.objects, s.blobKey(blob))
	if _, err := s.Commit(t.Context(), "other", "", raw, v1.Hash{}); !errors.Is(err, layers.ErrNotFound) {
		t.Errorf("committed without its blob: %v", err)
	}
	wantAt(t, s, "other", v1.Hash{})
	if _, err := s.Refresh(t.Context(), "main", digest); !errors.Is(err, layers.ErrNotFound) {
		t.Errorf("refreshed without its blob: %v", err)
	}
}

// TestConditionIsFoundOut writes a manifest once where conditions are ignored,
// and finds out only once.
func TestConditionIsFoundOut(t *testing.T) {
	t.Parallel()
	for conditions, want := range map[string][2]int{
		"obeyed":  {2, 1}, // one that must fail, and one that must not
		"ignored": {1, 1},
		"refused": {2, 1},
	} {
		t.Run(conditions, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.conditions = conditions
			s := openFake(f)
			previous := v1.Hash{}
			for i, puts := range want {
				before := f.puts + 1 // the blob
				previous = save(t, s, "main", fmt.Sprint(i), previous)
				if got := f.puts - before; got != puts {
					t.Errorf("commit %d took %d writes, want %d", i, got, puts)
				}
			}
		})
	}
}

// TestMemory pushes more than may be in memory, and leaves nothing behind.
func TestMemory(t *testing.T) {
	t.Parallel()
	f := newFake()
	s := New(Config{Service: f, Label: "fake://bucket", Blobs: "blobs/", Manifests: "manifests/", Parallel: 2})
	content := bytes.Repeat([]byte("0123456789abcdef"), 5*partSize/32+1)
	var group errgroup.Group
	for i := range 12 {
		group.Go(func() error {
			_, err := s.Push(t.Context(), v1.Descriptor{}, func() (io.ReadCloser, error) {
				return io.NopCloser(io.MultiReader(strings.NewReader(fmt.Sprint(i)), bytes.NewReader(content))), nil
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if f.most > 2*partSize {
		t.Errorf("%d bytes were on their way at once", f.most)
	}
	for key := range f.objects {
		if strings.Contains(key, pending) {
			t.Errorf("%s was left behind", key)
		}
	}
}

// TestAbort gives up a large upload whose content breaks off.
func TestAbort(t *testing.T) {
	t.Parallel()
	f := newFake()
	s := openFake(f)
	broken := errors.New("broken")
	for _, ctx := range []func() (context.Context, func()){
		func() (context.Context, func()) { return t.Context(), func() {} },
		func() (context.Context, func()) { return context.WithCancel(t.Context()) },
	} {
		ctx, cancel := ctx()
		content := io.MultiReader(bytes.NewReader(make([]byte, partSize+1)), readerFunc(func([]byte) (int, error) {
			cancel()
			return 0, broken
		}))
		_, err := s.Push(ctx, v1.Descriptor{}, func() (io.ReadCloser, error) { return io.NopCloser(content), nil })
		if !errors.Is(err, broken) && !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	if f.aborts != 2 || len(f.objects) != 0 {
		t.Errorf("%d uploads were given up, and there are %v", f.aborts, slices.Collect(func(yield func(string) bool) {
			for key := range f.objects {
				yield(key)
			}
		}))
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
