package gha

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/internal/test/testactions"
	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
)

// Runs of one repository.
var (
	onMain   = testactions.Run{Repository: "team/app", Refs: []string{"refs/heads/main"}}
	onBranch = testactions.Run{Repository: "team/app", Refs: []string{"refs/heads/branch", "refs/heads/main"}}
	onOther  = testactions.Run{Repository: "team/app", Refs: []string{"refs/heads/other", "refs/heads/main"}}
)

// both runs a test against both versions of the service.
func both(t *testing.T, test func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store)) {
	t.Parallel()
	for _, version := range []int{1, 2} {
		t.Run(fmt.Sprintf("v%d", version), func(t *testing.T) {
			t.Parallel()
			front := testactions.New(t, nil)
			test(t, front, func(run testactions.Run) *Store {
				s := newStore(front, version, run)
				s.client.http.Transport.(*web.Transport).Rule.First = time.Millisecond
				s.patience = 50 * time.Millisecond
				return s
			})
		})
	}
}

func noise(n int, seed byte) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

func describe(b []byte) v1.Descriptor {
	return v1.Descriptor{MediaType: types.OCILayer, Digest: hashOf(b), Size: int64(len(b))}
}

func pushBlob(t *testing.T, s *Store, b []byte) (layers.Pushed, error) {
	t.Helper()
	return s.Push(t.Context(), v1.Descriptor{MediaType: types.OCILayer}, func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b)), nil
	})
}

// manifestOf is an image manifest of blobs, the first of which is the config.
func manifestOf(t *testing.T, blobs ...[]byte) []byte {
	t.Helper()
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: describe(blobs[0])}
	for _, b := range blobs[1:] {
		m.Layers = append(m.Layers, describe(b))
	}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// save saves a snapshot of blobs and returns its digest.
func save(t *testing.T, s *Store, name string, previous v1.Hash, blobs ...[]byte) v1.Hash {
	t.Helper()
	for _, b := range blobs {
		if _, err := pushBlob(t, s, b); err != nil {
			t.Fatal(err)
		}
	}
	desc, err := s.Commit(t.Context(), name, string(types.OCIManifestSchema1), manifestOf(t, blobs...), previous)
	if err != nil {
		t.Fatal(err)
	}
	return desc.Digest
}

// wantSaved checks that a name stands for a snapshot, and reads its blobs.
func wantSaved(t *testing.T, s *Store, name string, digest v1.Hash, blobs ...[]byte) {
	t.Helper()
	desc, _, err := s.Resolve(t.Context(), name)
	if err != nil || desc.Digest != digest {
		t.Fatalf("%s stands for %s, %v, want %s", name, desc.Digest, err, digest)
	}
	for _, b := range blobs {
		wantBlob(t, s, b)
	}
}

func wantBlob(t *testing.T, s *Store, b []byte) {
	t.Helper()
	r, err := s.Open(t.Context(), describe(b), 0, -1)
	if err != nil {
		t.Error(err)
		return
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, b) {
		t.Errorf("a blob of %d bytes has %d bytes, or others; error %v", len(b), len(got), err)
	}
}

// TestEntries counts what a cache with many layers makes of it.
func TestEntries(t *testing.T) {
	both(t, func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store) {
		blobs := [][]byte{noise(2<<20, 1), noise(20<<20, 2)}
		for i := range 50 {
			blobs = append(blobs, noise(1000*i+1, byte(i)))
		}
		first := save(t, open(onMain), "app", v1.Hash{}, blobs...)
		if n := len(front.Entries("team/app")); n != 3 {
			t.Errorf("%d entries for 50 small blobs and two large ones, want 3", n)
		}
		reader := open(onMain)
		wantSaved(t, reader, "app", first, blobs...)
		// A further snapshot has its own small blobs, and needs nothing of the first
		// one's entry.
		next := append(blobs[:52:52], noise(500, 99))
		if _, err := pushBlob(t, reader, next[52]); err != nil {
			t.Fatal(err)
		}
		desc, err := reader.Commit(t.Context(), "app", string(types.OCIManifestSchema1), manifestOf(t, next...), first)
		if err != nil {
			t.Fatal(err)
		}
		second := desc.Digest
		if n := len(front.Entries("team/app")); n != 4 {
			t.Errorf("%d entries after a small blob was added, want 4", n)
		}
		front.Evict(func(e testactions.Entry) bool { return strings.HasSuffix(e.Key, nextKey("app", "", v1.Hash{}, 0)) })
		wantSaved(t, open(onMain), "app", second, next...)
	})
}

// TestManySmall puts snapshots together whose small blobs are too many for one
// entry. Each snapshot needs nothing of another one's entry.
func TestManySmall(t *testing.T) {
	both(t, func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store) {
		var a, b [][]byte
		for i := range byte(10) {
			a, b = append(a, noise(maxSmall, i)), append(b, noise(maxSmall, 100+i))
		}
		save(t, open(onMain), "a", v1.Hash{}, a...)
		save(t, open(onMain), "b", v1.Hash{}, b...)
		s := open(onMain)
		for _, name := range []string{"a", "b"} {
			if _, _, err := s.Resolve(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		all := append(a, b...)
		desc, err := s.Commit(t.Context(), "all", string(types.OCIManifestSchema1), manifestOf(t, all...), v1.Hash{})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(front.Entries("team/app")); n > 3+len(all)-maxWaiting/maxSmall+1 {
			t.Errorf("%d entries", n)
		}
		for _, name := range []string{"a", "b"} {
			if err := s.Delete(t.Context(), name, mustResolve(t, s, name)); err != nil {
				t.Fatal(err)
			}
		}
		wantSaved(t, open(onMain), "all", desc.Digest, all...)
	})
}

func mustResolve(t *testing.T, s *Store, name string) v1.Hash {
	t.Helper()
	desc, _, err := s.Resolve(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return desc.Digest
}

// TestSameKey has main and a branch save what follows on the same snapshot: two
// entries with one key, of which each branch reads its own.
func TestSameKey(t *testing.T) {
	both(t, func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store) {
		first := save(t, open(onMain), "app", v1.Hash{}, []byte("{1}"))
		branch := open(onBranch)
		wantSaved(t, branch, "app", first)
		ofMain := save(t, open(onMain), "app", first, []byte("{main}"), noise(900, 1))
		// The branch sees main's now, and then what another of its runs has saved,
		// which began before that.
		wantSaved(t, branch, "app", ofMain, noise(900, 1))
		early := open(onBranch)
		now := &commit{key: nextKey("app", "", v1.Hash{}, 0), desc: v1.Descriptor{Digest: first}}
		pushBlob(t, early, []byte("{branch}"))
		content, err := early.assemble(t.Context(), string(types.OCIManifestSchema1), manifestOf(t, []byte("{branch}")))
		if err != nil {
			t.Fatal(err)
		}
		_, up, err := early.follow(t.Context(), "app", now)
		if err != nil {
			t.Fatal(err)
		}
		if err := up.whole(t.Context(), content); err != nil {
			t.Fatal(err)
		}
		ofBranch := hashOf(manifestOf(t, []byte("{branch}")))
		wantSaved(t, branch, "app", ofBranch, []byte("{branch}"))
		wantSaved(t, open(onMain), "app", ofMain, noise(900, 1))
	})
}

// TestManyStreams pushes more than there is memory for at once, from sources that
// share what makes them.
func TestManyStreams(t *testing.T) {
	t.Parallel()
	s := newStore(testactions.New(t, nil), 2, onMain)
	const count, size = maxBlocks + 6, blockSize + 1000
	shared := make(chan struct{}, 4)
	var group errgroup.Group
	for i := range byte(count) {
		group.Go(func() error {
			content := noise(size, i)
			reader, writer := io.Pipe()
			pushed, err := s.Push(t.Context(), v1.Descriptor{}, func() (io.ReadCloser, error) {
				go func() {
					for part := range slices.Chunk(content, 1<<20) {
						shared <- struct{}{}
						_, err := writer.Write(part)
						<-shared
						if err != nil {
							return
						}
					}
					writer.Close()
				}()
				return reader, nil
			})
			if err == nil && pushed.Descriptor.Digest != hashOf(content) {
				err = fmt.Errorf("pushed %s", pushed.Descriptor.Digest)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

// TestBranches looks at a cache from several branches.
func TestBranches(t *testing.T) {
	both(t, func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store) {
		large := noise(2<<20, 1)
		first := save(t, open(onMain), "app", v1.Hash{}, []byte("{1}"), large)
		// A branch begins with what main has, and sends nothing that is there.
		branch := open(onBranch)
		wantSaved(t, branch, "app", first, large)
		second := save(t, branch, "app", first, []byte("{2}"), large)
		if n := len(front.Entries("team/app")); n != 3 {
			t.Errorf("%d entries, want 3: main's two, and the branch's snapshot", n)
		}
		wantSaved(t, open(onBranch), "app", second, []byte("{2}"), large)
		wantSaved(t, open(onMain), "app", first)
		wantSaved(t, open(onOther), "app", first, large)
		// What main saves later is not what the branch has.
		third := save(t, open(onMain), "app", first, []byte("{3}"), large)
		wantSaved(t, open(onMain), "app", third)
		wantSaved(t, open(onBranch), "app", second)
		wantSaved(t, open(onOther), "app", third)
	})
}

// TestMount takes a blob over from another name's snapshot.
func TestMount(t *testing.T) {
	both(t, func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store) {
		large := noise(20<<20, 1) // its key is not its digest
		digest := save(t, open(onMain), "main", v1.Hash{}, []byte("{}"), large)
		from, to := open(onBranch), open(onBranch)
		wantSaved(t, from, "main", digest)
		if ok, err := to.MountFrom(t.Context(), from, describe(large)); !ok || err != nil {
			t.Fatalf("not taken over: %v", err)
		}
		if _, err := pushBlob(t, to, []byte("{}")); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Commit(t.Context(), "branch", string(types.OCIManifestSchema1), manifestOf(t, []byte("{}"), large), v1.Hash{}); err != nil {
			t.Fatal(err)
		}
		wantSaved(t, open(onBranch), "branch", digest, large)
		if ok, err := to.MountFrom(t.Context(), from, describe([]byte("other"))); ok || err != nil {
			t.Errorf("took over what is not there: %v", err)
		}
		front.Evict(func(e testactions.Entry) bool { return e.Size >= int64(len(large)) })
		if ok, err := open(onBranch).MountFrom(t.Context(), from, describe(large)); ok || err != nil {
			t.Errorf("took over what is gone: %v", err)
		}
	})
}
