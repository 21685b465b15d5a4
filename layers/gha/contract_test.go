package gha

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testactions"
	"github.com/pack-cache/pack-cache/internal/test/testran"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/storetest"
)

// TestContract runs the contract against both versions of the service.
func TestContract(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		version int
		storage func(testing.TB) testactions.Storage
	}{
		{"v1", 1, nil},
		{"v2", 2, nil},
		{"v2 in Azurite", 2, testactions.InAzurite},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var storage testactions.Storage
			if test.storage != nil {
				storage = test.storage(t)
			}
			front := testactions.New(t, storage)
			var count atomic.Int64
			open := func(t *testing.T) layers.Store {
				run := testactions.Run{Repository: fmt.Sprintf("team/app-%d", count.Add(1)), Refs: []string{"refs/heads/main"}}
				return newStore(front, test.version, run)
			}
			as := func(change func(*testactions.Run)) func(*testing.T, layers.Store) layers.Store {
				return func(_ *testing.T, s layers.Store) layers.Store {
					run := testactions.Run{Repository: s.(*Store).rest.repository, Refs: []string{"refs/heads/main"}}
					change(&run)
					return newStore(front, test.version, run)
				}
			}
			options := storetest.Options{
				Secrets:  []string{"eyJ", "sig=", testactions.GitHubToken},
				Reopen:   as(func(*testactions.Run) {}),
				ReadOnly: as(func(run *testactions.Run) { run.ReadOnly = true }),
				Denied:   as(func(run *testactions.Run) { run.Nothing = true }),
				Large:    20 << 20,
			}
			if storage == nil {
				options.Damage = damager(front)
			}
			storetest.Run(t, open, options)
		})
	}
}

// TestContractOfAct runs the contract against the cache service of act.
func TestContractOfAct(t *testing.T) {
	t.Parallel()
	act := testservers.NewAct(t)
	testran.Against(t, testran.Row{Subject: "GitHub Actions", Peer: "act", Version: testran.Module(t, "act", "github.com/nektos/act"), Done: "the contract of stores, in its cache service"})
	storetest.Run(t, func(t *testing.T) layers.Store { return inAct(act.Service(t)) }, storetest.Options{
		Secrets: []string{"act-token", "_apis"},
		Reopen:  func(_ *testing.T, s layers.Store) layers.Store { return inAct(s.(plain).Store.(*Store).base) },
		Large:   20 << 20,
	})
}

// plain is a store without abilities: nobody can list what act has.
type plain struct{ layers.Store }

func inAct(url string) layers.Store {
	return plain{New(Config{URL: url, Version: 1, Token: "act-token"})}
}

// newStore is a store of a run, without long pauses.
func newStore(front *testactions.Front, version int, run testactions.Run) *Store {
	s := New(Config{
		URL: front.URL, Version: version, Token: front.Token(run),
		Repository: run.Repository, GitHubToken: testactions.GitHubToken, APIURL: strings.TrimRight(front.URL, "/"),
		Transport: http.DefaultTransport.(*http.Transport).Clone(),
	})
	return s
}

// damager changes entries behind a store's back: the head of a snapshot's entry,
// or a blob where it is. Of an entry that gets shorter, nothing follows.
func damager(front *testactions.Front) func(*testing.T, layers.Store, storetest.Part, func([]byte) []byte) bool {
	return func(t *testing.T, store layers.Store, at storetest.Part, do func([]byte) []byte) bool {
		s := store.(*Store)
		var begin int64
		end, key := func(content []byte) int64 { return int64(len(content)) }, ""
		if at.Name != "" {
			now, err := s.current(t.Context(), at.Name)
			if err != nil || now == nil {
				t.Fatalf("the snapshot %v, error %v", now, err)
			}
			key, end = now.key, func(content []byte) int64 { size, _ := headSize(content); return size }
		} else {
			place, err := s.locate(t.Context(), at.Digest)
			if err != nil {
				t.Fatal(err)
			}
			if key = place.Entry; place.Size >= 0 {
				if do([]byte("x")) == nil {
					return false // it is lost with all of its entry
				}
				begin, end = place.Offset, func([]byte) int64 { return place.Offset + place.Size }
			}
		}
		return front.Damage(s.rest.repository, key, func(content []byte) []byte {
			part := content[begin:end(content)]
			damaged := do(part)
			if len(damaged) < len(part) {
				content = content[:end(content)]
			}
			if damaged == nil {
				return nil
			}
			return slices.Concat(content[:begin], damaged, content[end(content):])
		})
	}
}
