package gha

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/test/testactions"
	"github.com/pack-cache/pack-cache/internal/test/testfaults"
	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers"
)

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

// fault is a rule for the paths that have a part.
func fault(part string, times int, rule testfaults.Rule) testfaults.Rule {
	rule.Path, rule.Times = regexp.MustCompile(regexp.QuoteMeta(part)), times
	return rule
}

// TestFaults has the service fail in ways that pass.
func TestFaults(t *testing.T) {
	both(t, func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store) {
		small, large := noise(100, 1), noise(20<<20, 2)
		front.Faults.Set(
			fault("ache", 1, testfaults.Rule{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"1"}}}),
			fault("CreateCacheEntry", 1, testfaults.Rule{Status: http.StatusBadGateway}),
			fault("/caches", 1, testfaults.Rule{Status: http.StatusServiceUnavailable}),
			fault("/blobs/", 2, testfaults.Rule{Status: http.StatusInternalServerError}),
			fault("/caches/", 1, testfaults.Rule{Drop: true}),
			fault("FinalizeCacheEntryUpload", 1, testfaults.Rule{Lose: true}),
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

// TestRetryAfterEnds does not wait for a service when the context has ended.
func TestRetryAfterEnds(t *testing.T) {
	both(t, func(t *testing.T, front *testactions.Front, open func(testactions.Run) *Store) {
		front.Faults.Set(testfaults.Rule{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"60"}}})
		patient := web.With(t.Context(), web.NewBudget(web.Rule{Wait: time.Hour}, "", nil))
		ctx, cancel := context.WithTimeout(patient, 50*time.Millisecond)
		defer cancel()
		if _, _, err := open(onMain).Resolve(ctx, "app"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
	})
}

// TestDamaged reads an entry that pack-cache did not make.
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
		damaged := layers.AsDamaged(err)
		if damaged == nil || !strings.Contains(err.Error(), "the entry pack-cache-app#") {
			t.Fatalf("error %v, want a *DamagedError", err)
		}
		save(t, s, "app", damaged.Digest, []byte("{}"))
	})
}
