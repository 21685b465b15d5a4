package gha

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/internal/testactions"
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
				s.client.retry.first = time.Millisecond
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

// TestREST refuses to list without a token that may.
func TestREST(t *testing.T) {
	t.Parallel()
	front := testactions.New(t, nil)
	s := newStore(front, 2, onMain)
	for _, token := range []string{"", "ghs_other-token"} {
		s.rest.token = token
		_, err := s.List(t.Context())
		var hinted interface{ Hint() string }
		if !errors.Is(err, layers.ErrDenied) || !errors.As(err, &hinted) || !strings.Contains(hinted.Hint(), "actions: write") {
			t.Errorf("error %v, want ErrDenied with a hint", err)
		}
	}
	s.rest.token = testactions.GitHubToken
	for i := range 120 {
		save(t, s, fmt.Sprintf("app-%d", i), v1.Hash{}, []byte("{}"))
	}
	if all, err := s.List(t.Context()); err != nil || len(all) != 120 {
		t.Errorf("%d names, %v", len(all), err)
	}
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

// TestEvicted loses single entries. The rest of the cache is as good as before.
func TestEvicted(t *testing.T) {
	both(t, func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store) {
		small, large, other := noise(100, 1), noise(2<<20, 2), noise(3<<20, 3)
		digest := save(t, open(onMain), "app", v1.Hash{}, small, large, other)
		before := open(onMain)
		wantSaved(t, before, "app", digest, small, large, other)
		front.Evict(func(e testactions.Entry) bool { return e.Size == int64(len(large)) })
		for _, s := range []*Store{before, open(onMain)} {
			wantSaved(t, s, "app", digest, small, other)
			if _, err := s.Open(t.Context(), describe(large), 0, -1); !errors.Is(err, layers.ErrNotFound) {
				t.Errorf("error %v, want ErrNotFound", err)
			}
		}
		// The next save stores it anew.
		pushed, err := before.Push(t.Context(), describe(large), func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(large)), nil
		})
		if err != nil || pushed.Sent != int64(len(large)) {
			t.Errorf("pushed %+v, %v", pushed, err)
		}
		wantBlob(t, before, large)
	})
}

// TestRepair stores anew what is damaged in the cache.
func TestRepair(t *testing.T) {
	both(t, func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store) {
		for name, good := range map[string][]byte{"small": noise(100, 1), "middle": noise(2<<20, 2), "large": noise(20<<20, 3)} {
			bad := bytes.Repeat([]byte("x"), len(good))
			first := save(t, open(onMain), name, v1.Hash{}, []byte("{}"), good)
			// The same head over other bytes, as no build writes it.
			forger := open(onMain)
			now, err := forger.current(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			forger.held[hashOf(good)], forger.waiting[hashOf(good)] = bad, true
			manifest := manifestOf(t, []byte("{}"), good)
			content, err := forger.assemble(t.Context(), string(types.OCIManifestSchema1), manifest)
			if err != nil {
				t.Fatal(err)
			}
			if len(good) > maxSmall {
				up, err := forger.service.reserve(t.Context(), "pack-cache-blob-bad-"+name)
				if err == nil {
					err = up.whole(t.Context(), bad)
				}
				if err != nil {
					t.Fatal(err)
				}
				h := &head{MediaType: string(types.OCIManifestSchema1), Manifest: manifest, Blobs: map[string]place{
					hashOf([]byte("{}")).String(): {Size: 2}, hashOf(good).String(): {Entry: "pack-cache-blob-bad-" + name, Size: int64(len(bad))},
				}}
				if content, err = h.encode(); err != nil {
					t.Fatal(err)
				}
				content = append(content, "{}"...)
			}
			_, up, err := forger.follow(t.Context(), name, now)
			if err == nil {
				err = up.whole(t.Context(), content)
			}
			if err != nil {
				t.Fatal(err)
			}
			s := open(onMain)
			if _, _, err := s.Resolve(t.Context(), name); err != nil {
				t.Fatal(err)
			}
			second := save(t, s, name, first, []byte("{ }"), good)
			wantSaved(t, open(onMain), name, second, good)
		}
	})
}

// TestThereMeanwhile finds a blob only when it is about to be stored.
func TestThereMeanwhile(t *testing.T) {
	both(t, func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store) {
		large := noise(20<<20, 1)
		source := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(large)), nil }
		if _, err := open(onMain).Push(t.Context(), describe(large), source); err != nil {
			t.Fatal(err)
		}
		s := open(onMain)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		from, _ := source()
		pushed, err := s.upload(ctx, newFeed(ctx, from, s.pool), describe(large))
		if err != nil || pushed.Sent != 0 || pushed.Descriptor.Digest != hashOf(large) || pushed.Descriptor.Size != int64(len(large)) {
			t.Errorf("pushed %+v, %v", pushed, err)
		}
		wantBlob(t, s, large)
	})
}

// TestFaults has the service fail in ways that pass.
func TestFaults(t *testing.T) {
	both(t, func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store) {
		small, large := noise(100, 1), noise(20<<20, 2)
		front.Break(
			testactions.Fault{Path: "ache", Times: 1, Status: http.StatusTooManyRequests, RetryAfter: "1"},
			testactions.Fault{Path: "CreateCacheEntry", Times: 1, Status: http.StatusBadGateway},
			testactions.Fault{Path: "/caches", Times: 1, Status: http.StatusServiceUnavailable},
			testactions.Fault{Path: "/blobs/", Times: 2, Status: http.StatusInternalServerError},
			testactions.Fault{Path: "/caches/", Times: 1},
			testactions.Fault{Path: "FinalizeCacheEntryUpload", Times: 1, After: true},
		)
		began := time.Now()
		s := open(onMain)
		digest := save(t, s, "app", v1.Hash{}, small, large)
		if took := time.Since(began); took < time.Second {
			t.Errorf("Retry-After was not honoured: it took %s", took)
		}
		front.Expire()
		wantSaved(t, s, "app", digest, small, large)
		wantSaved(t, open(onMain), "app", digest, small, large)
	})
}

// TestCrash reserves what follows on a snapshot and comes to no end.
func TestCrash(t *testing.T) {
	both(t, func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store) {
		first := save(t, open(onMain), "app", v1.Hash{}, []byte("{1}"))
		crashed := open(onMain)
		now, err := crashed.current(t.Context(), "app")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := crashed.follow(t.Context(), "app", now); err != nil {
			t.Fatal(err)
		}
		large := noise(2<<20, 1)
		if _, _, err := crashed.reserve(t.Context(), hashOf(large)); err != nil {
			t.Fatal(err)
		}
		wantSaved(t, open(onMain), "app", first)
		second := save(t, open(onMain), "app", first, []byte("{2}"), large)
		wantSaved(t, open(onMain), "app", second, large)
		third := save(t, open(onMain), "app", second, []byte("{3}"), large)
		wantSaved(t, open(onMain), "app", third, large)
	})
}

// TestDenied has the service, or the run, say no.
func TestDenied(t *testing.T) {
	both(t, func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store) {
		digest := save(t, open(onMain), "app", v1.Hash{}, []byte("{}"))
		downgraded := onBranch
		downgraded.Downgraded = true
		for _, test := range []struct {
			name   string
			store  *Store
			access Access
			reads  bool
			says   string
		}{
			{"downgraded", open(downgraded), "", true, "cache write denied: the token is read-only for this event"},
			{"mode read", open(onMain), ReadOnly, true, "ACTIONS_CACHE_MODE is read"},
			{"mode none", open(onMain), NoAccess, false, "ACTIONS_CACHE_MODE is none"},
		} {
			test.store.access = test.access
			_, _, err := test.store.Resolve(t.Context(), "app")
			if test.reads && err != nil || !test.reads && !errors.Is(err, layers.ErrDenied) {
				t.Errorf("%s: resolve: %v", test.name, err)
			}
			_, err = pushBlob(t, test.store, []byte("new"))
			if err == nil {
				_, err = test.store.Commit(t.Context(), "app", string(types.OCIManifestSchema1), manifestOf(t, []byte("new")), digest)
			}
			var hinted interface{ Hint() string }
			if !errors.Is(err, layers.ErrDenied) || !strings.Contains(err.Error(), test.says) || !errors.As(err, &hinted) || hinted.Hint() == "" {
				t.Errorf("%s: write: %v", test.name, err)
			}
		}
		wantSaved(t, open(onMain), "app", digest)
	})
}

// TestWriteOnly saves without reading: the newest snapshot counts.
func TestWriteOnly(t *testing.T) {
	both(t, func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store) {
		first := save(t, open(onMain), "app", v1.Hash{}, []byte("{1}"), noise(2<<20, 1))
		writer := open(onMain)
		writer.access = WriteOnly
		asked := front.Asked("GetCacheEntryDownloadURL") + front.Asked("GET /_apis/artifactcache/cache")
		_, _, err := writer.Resolve(t.Context(), "app")
		var why interface{ Missing() string }
		if !errors.Is(err, layers.ErrNotFound) || !errors.As(err, &why) || !strings.Contains(why.Missing(), "write-only") {
			t.Errorf("error %v, want ErrNotFound with a reason", err)
		}
		second := save(t, writer, "app", v1.Hash{}, []byte("{2}"), noise(2<<20, 1))
		if now := front.Asked("GetCacheEntryDownloadURL") + front.Asked("GET /_apis/artifactcache/cache"); now != asked {
			t.Errorf("it asked for entries %d times", now-asked)
		}
		if first == second {
			t.Fatal("the snapshots are the same")
		}
		if writer.version == 2 {
			wantSaved(t, open(onMain), "app", second, noise(2<<20, 1))
		}
	})
}

// TestUnauthorized has a token that is none any more.
func TestUnauthorized(t *testing.T) {
	both(t, func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store) {
		s := open(onMain)
		s.client.token = "eyJ-expired"
		_, _, err := s.Resolve(t.Context(), "app")
		if !errors.Is(err, layers.ErrDenied) || strings.Contains(err.Error(), "eyJ") {
			t.Errorf("error %v, want ErrDenied without the token", err)
		}
	})
}

// TestRetryAfterEnds does not wait for a service when the context has ended.
func TestRetryAfterEnds(t *testing.T) {
	both(t, func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store) {
		front.Break(testactions.Fault{Path: "", Times: 100, Status: http.StatusTooManyRequests, RetryAfter: "60"})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, _, err := open(onMain).Resolve(ctx, "app"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
	})
}

// TestDamaged reads an entry that is none of ours.
func TestDamaged(t *testing.T) {
	both(t, func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store) {
		s := open(onMain)
		up, err := s.service.reserve(t.Context(), nextKey("app", "", v1.Hash{}, 0))
		if err != nil {
			t.Fatal(err)
		}
		if err := up.whole(t.Context(), []byte("something else")); err != nil {
			t.Fatal(err)
		}
		_, _, err = s.Resolve(t.Context(), "app")
		var hinted interface{ Hint() string }
		if !errors.Is(err, layers.ErrCorrupt) || !errors.As(err, &hinted) || !strings.Contains(hinted.Hint(), "delete the entry pack-cache-app#") {
			t.Errorf("error %v, want ErrCorrupt with a hint", err)
		}
	})
}
