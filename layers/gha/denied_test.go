package gha

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/test/testactions"
	"github.com/pack-cache/pack-cache/layers"
)

// TestREST refuses to list without a token that may.
func TestREST(t *testing.T) {
	t.Parallel()
	front := testactions.New(t, nil)
	s := newStore(front, 2, onMain)
	for _, token := range []string{"", "ghs_other-token"} {
		s.rest.token = token
		_, err := s.List(t.Context())
		if !errors.Is(err, layers.ErrDenied) || !strings.Contains(hint.Of(err), "actions: write") {
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
			if !errors.Is(err, layers.ErrDenied) || !strings.Contains(err.Error(), test.says) || hint.Of(err) == "" {
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
		asked := len(front.Faults.Requests("", "GetCacheEntryDownloadURL|/_apis/artifactcache/cache(\\?|$)"))
		_, _, err := writer.Resolve(t.Context(), "app")
		var why interface{ Missing() string }
		if !errors.Is(err, layers.ErrNotFound) || !errors.As(err, &why) || !strings.Contains(why.Missing(), "write-only") {
			t.Errorf("error %v, want ErrNotFound with a reason", err)
		}
		second := save(t, writer, "app", v1.Hash{}, []byte("{2}"), noise(2<<20, 1))
		if now := len(front.Faults.Requests("", "GetCacheEntryDownloadURL|/_apis/artifactcache/cache(\\?|$)")); now != asked {
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

// TestUnauthorized has a token that is no longer valid.
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
