package phases

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/ocidir"
	"github.com/pack-cache/pack-cache/layers/storetest"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/volume"
)

// TestBorrowedContract has a store that is borrowed pass what its owner passes:
// questions and answers go through a conversation, blobs through a volume.
func TestBorrowedContract(t *testing.T) {
	t.Parallel()
	owners := &sync.Map{} // by borrowed store
	borrow := func(t *testing.T, dir string) layers.Store {
		store, _ := lendTo(t, ocidir.New(ocidir.Config{Dir: dir}))
		owners.Store(store, dir)
		return store
	}
	storetest.Run(t, func(t *testing.T) layers.Store { return borrow(t, t.TempDir()) }, storetest.Options{
		Large: 8 << 20,
		Reopen: func(t *testing.T, s layers.Store) layers.Store {
			dir, _ := owners.Load(s)
			return borrow(t, dir.(string))
		},
	})
}

// lendTo returns store as a phase borrows it, and the directory of its state.
func lendTo(t *testing.T, store layers.Store) (*borrowed, string) {
	t.Helper()
	state := t.TempDir()
	l := converse(t, &conversation{lender: lender{fakePlace{state: state}, map[string]Lending{"import 1": {Store: store, Write: true, anyName: true}}, true}})
	b, err := newBorrowed(l, "import 1", store.String(), state)
	if err != nil {
		t.Fatal(err)
	}
	return b, state
}

// converse begins a conversation, and returns the phase's side of it.
func converse(t *testing.T, talk *conversation) *link {
	t.Helper()
	toCaller, fromPhase := io.Pipe() // what the phase says: read, write
	toPhase, fromCaller := io.Pipe()
	talk.toPhase, talk.hangUp = json.NewEncoder(fromCaller), fromCaller.Close
	held := make(chan error, 1)
	go func() {
		_, err := talk.hold(context.Background(), request{}, toCaller)
		held <- err
	}()
	l := newLink(toPhase, fromPhase)
	if _, err := l.request(); err != nil {
		t.Fatal(err)
	}
	go l.listen()
	t.Cleanup(func() {
		fromPhase.Close()
		if err := <-held; !errors.Is(err, io.EOF) {
			t.Errorf("the conversation ended with %v", err)
		}
		fromCaller.Close()
	})
	return l
}

// fakePlace has one volume, which is a directory.
type fakePlace struct {
	lifecycle.Place
	state string
}

func (p fakePlace) Import(ctx context.Context, _ string, archive io.Reader) error {
	return volume.Import(ctx, p.state, archive, lifecycle.User{UID: os.Getuid(), GID: os.Getgid()})
}

func (p fakePlace) Export(_ context.Context, _, path string) (io.ReadCloser, error) {
	return volume.Open(p.state, path)
}

// TestBorrowedFiles reads several pieces, of which few are there at a time, and
// checks that nothing stays.
func TestBorrowedFiles(t *testing.T) {
	t.Parallel()
	store, state := lendTo(t, ocidir.New(ocidir.Config{Dir: t.TempDir()}))
	content := make([]byte, 3*pieceSize+pieceSize/2)
	rand.NewChaCha8([32]byte{}).Read(content)
	pushed, err := store.Push(t.Context(), v1.Descriptor{}, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, state, 0)
	part, err := store.Open(t.Context(), pushed.Descriptor, 10, maxInline)
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, state, 0)
	if got, err := io.ReadAll(part); err != nil || !bytes.Equal(got, content[10:10+maxInline]) {
		t.Errorf("a small part: %d bytes, %v", len(got), err)
	}
	var all sync.WaitGroup
	for _, r := range [][2]int64{{0, -1}, {5, -1}, {pieceSize - 1, pieceSize + 2}, {pieceSize, pieceSize}, {1, math.MaxInt64}} {
		all.Go(func() {
			reader, err := store.Open(t.Context(), pushed.Descriptor, r[0], r[1])
			if err != nil {
				t.Error(err)
				return
			}
			want := content[r[0]:]
			if r[1] >= 0 && r[1] < int64(len(want)) {
				want = want[:r[1]]
			}
			got, err := io.ReadAll(reader)
			if err = errors.Join(err, reader.Close()); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%v: %d bytes, %v", r, len(got), err)
			}
		})
	}
	all.Wait()
	wantFiles(t, state, 0)
}

// TestBorrowedReadAhead has no more than one piece at hand that is not read yet.
func TestBorrowedReadAhead(t *testing.T) {
	t.Parallel()
	owned := &counting{Store: ocidir.New(ocidir.Config{Dir: t.TempDir()})}
	store, state := lendTo(t, owned)
	pushed, err := store.Push(t.Context(), v1.Descriptor{}, func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(make([]byte, 4*pieceSize))), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := store.Open(t.Context(), pushed.Descriptor, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for piece := range int32(4) {
		if _, err := io.ReadFull(reader, make([]byte, pieceSize)); err != nil {
			t.Fatal(err)
		}
		if n := owned.opened.Load(); n > piece+2 {
			t.Errorf("%d pieces were brought when %d were read", n, piece+1)
		}
		if files := filesOf(t, state); len(files) > 1 {
			t.Errorf("there are %v", files)
		}
	}
}

// counting counts how often a blob is opened.
type counting struct {
	layers.Store
	opened atomic.Int32
}

func (c *counting) Open(ctx context.Context, blob v1.Descriptor, offset, length int64) (io.ReadCloser, error) {
	c.opened.Add(1)
	return c.Store.Open(ctx, blob, offset, length)
}

func wantFiles(t *testing.T, state string, count int) {
	t.Helper()
	if files := filesOf(t, state); len(files) != count {
		t.Errorf("there are %v", files)
	}
}

func filesOf(t *testing.T, state string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(state, loansDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestBorrowedCutShort finds a blob damaged of which a part is missing, for only
// then a build that makes it again stores it anew.
func TestBorrowedCutShort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store, _ := lendTo(t, ocidir.New(ocidir.Config{Dir: dir}))
	pushed, err := store.Push(t.Context(), v1.Descriptor{}, func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(strings.Repeat("whole", maxInline))), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "blobs/sha256", pushed.Descriptor.Digest.Hex), []byte("who"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), pushed.Descriptor, 0, -1); !errors.Is(err, layers.ErrCorrupt) {
		t.Errorf("error %v, want ErrCorrupt", err)
	}
}

// TestBorrowedErrors has errors arrive with what they mean and what to do.
func TestBorrowedErrors(t *testing.T) {
	t.Parallel()
	for _, kind := range []error{layers.ErrNotFound, layers.ErrDenied, layers.ErrConflict, layers.ErrCorrupt} {
		t.Run(kind.Error(), func(t *testing.T) {
			t.Parallel()
			store, _ := lendTo(t, failing{ocidir.New(ocidir.Config{Dir: t.TempDir()}), kind})
			_, _, err := store.Resolve(t.Context(), "main")
			if !errors.Is(err, kind) || hint.Of(err) != "ask again" {
				t.Errorf("error %v", err)
			}
		})
	}
}

type failing struct {
	layers.Store
	kind error
}

func (f failing) Resolve(context.Context, string) (v1.Descriptor, []byte, error) {
	return v1.Descriptor{}, nil, hint.Errorf("ask again", "it failed: %w", f.kind)
}

// TestBorrowedOwnerGone does not wait for answers that cannot come.
func TestBorrowedOwnerGone(t *testing.T) {
	t.Parallel()
	toPhase, fromCaller := io.Pipe()
	toCaller, fromPhase := io.Pipe()
	go io.Copy(io.Discard, toCaller)
	l := newLink(toPhase, fromPhase)
	go l.listen()
	b, err := newBorrowed(l, "import 1", "/cache", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(10*time.Millisecond, func() { fromCaller.Close() })
	for range 2 { // under way, and afterwards
		if _, _, err := b.Resolve(t.Context(), "main"); !errors.Is(err, errGone) {
			t.Errorf("error %v", err)
		}
	}
}
