package storetest

import (
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func (s *suite) resolveTests() []test {
	return []test{
		{"nothing is there at first", func(t *testing.T) {
			wantNothingAt(t, s.open(t), "latest")
		}},
		{"another name is not there", func(t *testing.T) {
			store := s.open(t)
			newSnapshot(1).save(t, store, "main", v1.Hash{})
			wantNothingAt(t, store, "other")
			// Not a prefix, as the keys of some services are.
			wantNothingAt(t, store, "mai")
			wantNothingAt(t, store, "main2")
		}},
		{"what was committed comes back byte for byte", func(t *testing.T) {
			store := s.open(t)
			n := newSnapshot(1)
			n.save(t, store, "main", v1.Hash{})
			n.wantAt(t, store, "main")
			n.wantAt(t, s.reopen(t, store), "main")
		}},
		{"Docker's media types", func(t *testing.T) {
			store := s.open(t)
			n := snapshotAs(1, types.DockerManifestSchema2, types.DockerConfigJSON, types.DockerLayer)
			n.save(t, store, "main", v1.Hash{})
			n.wantAt(t, s.reopen(t, store), "main")
		}},
		{"names are independent", func(t *testing.T) {
			store := s.open(t)
			names := []string{
				"main", "Main", "_", "0", "a.b", "a-b", "a_b", "a..b", "a--b", "v1.0_rc-2.", "sha256",
				"sha256-" + strings.Repeat("0", 64), strings.Repeat("x", 128),
			}
			for i, name := range names {
				newSnapshot(uint64(i)).save(t, store, name, v1.Hash{})
			}
			again := s.reopen(t, store)
			for i, name := range names {
				newSnapshot(uint64(i)).wantAt(t, again, name)
			}
		}},
	}
}
