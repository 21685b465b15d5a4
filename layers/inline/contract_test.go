package inline

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/registry"
	"github.com/pack-cache/pack-cache/layers/storetest"
)

var users = []testregistry.User{
	{Name: "writer", Password: "writers-password", May: map[string][]string{"*": {"pull", "push"}}},
	{Name: "reader", Password: "readers-password", May: map[string][]string{"*": {"pull"}}},
	{Name: "nobody", Password: "nobodys-password", May: map[string][]string{}},
}

// TestContract runs the contract of stores on a registry that lists referrers and
// on those that do not, with and without the right to delete.
func TestContract(t *testing.T) {
	t.Parallel()
	t.Run("olareg", func(t *testing.T) {
		t.Parallel()
		addr := testservers.NewOlareg(t)
		storetest.Run(t, opener(addr, nil), reopen(nil))
	})
	t.Run("fallback", func(t *testing.T) {
		t.Parallel()
		r := testregistry.New(t, testregistry.Options{Delete: true})
		options := reopen(nil)
		options.Damage = damager(r, false)
		storetest.Run(t, opener(r.Addr, nil), options)
	})
	t.Run("fallback, its index is damaged", func(t *testing.T) {
		t.Parallel()
		r := testregistry.New(t, testregistry.Options{Delete: true})
		options := reopen(nil)
		options.Damage = damager(r, true)
		storetest.Run(t, opener(r.Addr, nil), options)
	})
	t.Run("fallback, token", func(t *testing.T) {
		t.Parallel()
		r := testregistry.New(t, testregistry.Options{Auth: testregistry.Token, Users: users})
		options := reopen(r.Keychain("writer"))
		options.ReadOnly, options.Denied = reopen(r.Keychain("reader")).Reopen, reopen(r.Keychain("nobody")).Reopen
		options.Secrets = []string{"writers-password", "readers-password", "nobodys-password"}
		options.Large = 8 << 20
		storetest.Run(t, opener(r.Addr, r.Keychain("writer")), options)
	})
}

// opener returns a function that opens a store in a repository of its own.
func opener(addr string, keychain authn.Keychain) func(*testing.T) layers.Store {
	var count atomic.Int64
	return func(t *testing.T) layers.Store {
		return open(t, fmt.Sprintf("%s/team_a/app-%d", addr, count.Add(1)), keychain)
	}
}

func reopen(keychain authn.Keychain) storetest.Options {
	return storetest.Options{Reopen: func(t *testing.T, s layers.Store) layers.Store { return open(t, s.String(), keychain) }}
}

func open(t *testing.T, ref string, keychain authn.Keychain) layers.Store {
	t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	return apps{New(registry.New(registry.Config{Ref: parsed, Keychain: keychain}))}
}

// apps is a store whose names are those of the contract: each is an app image of
// its own, which is pushed before anything is committed beside it.
type apps struct{ *Store }

// Resolve implements layers.Store.
func (s apps) Resolve(ctx context.Context, name string) (v1.Descriptor, []byte, error) {
	_, manifest := app(name)
	return s.Store.Resolve(ctx, digestOf(manifest).String())
}

// Commit implements layers.Store.
func (s apps) Commit(ctx context.Context, name, mediaType string, manifest []byte, previous v1.Hash) (v1.Descriptor, error) {
	subject, err := s.push(ctx, name)
	if err != nil {
		return v1.Descriptor{}, err
	}
	return s.Store.Commit(ctx, subject.String(), mediaType, manifest, previous)
}

// push makes the app image that stands for a name.
func (s apps) push(ctx context.Context, name string) (v1.Hash, error) {
	config, manifest := app(name)
	digest := digestOf(manifest)
	_, err := s.repository.Push(ctx, v1.Descriptor{Digest: digestOf(config)}, func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(string(config))), nil
	})
	if err != nil {
		return digest, err
	}
	_, err = s.repository.Commit(ctx, digest.String(), string(types.OCIManifestSchema1), manifest, v1.Hash{})
	return digest, err
}

// app is an app image without layers.
func app(name string) (config, manifest []byte) {
	config = []byte(fmt.Sprintf(`{"os":"linux","architecture":"amd64","config":{"Labels":{"name":%q}},"rootfs":{"type":"layers","diff_ids":[]}}`, name))
	manifest, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Layers: []v1.Descriptor{},
		Config: v1.Descriptor{MediaType: types.OCIConfigJSON, Digest: digestOf(config), Size: int64(len(config))},
	})
	if err != nil {
		panic(err)
	}
	return config, manifest
}

// damager changes files behind a registry's back: for the snapshot of a name its
// artifact, or else the index under the image's fallback tag that leads to it.
func damager(r *testregistry.Registry, index bool) func(*testing.T, layers.Store, storetest.Part, func([]byte) []byte) bool {
	return func(t *testing.T, store layers.Store, at storetest.Part, do func([]byte) []byte) bool {
		s, digest := store.(apps).Store, at.Digest
		if index && at.Name == "" {
			return false
		}
		if at.Name != "" {
			_, manifest := app(at.Name)
			subject := digestOf(manifest)
			if index {
				desc, _, err := s.repository.Resolve(t.Context(), subject.Algorithm+"-"+subject.Hex)
				if err != nil {
					t.Fatal(err)
				}
				digest = desc.Digest
			} else {
				all, err := s.repository.Referrers(t.Context(), subject, layers.ArtifactType)
				newest, ok := layers.Newest(all)
				if err != nil || !ok {
					t.Fatalf("the artifacts %v, error %v", all, err)
				}
				digest = newest.Digest
			}
		}
		path := filepath.Join(r.Root(), "docker/registry/v2/blobs/sha256", digest.Hex[:2], digest.Hex, "data")
		storetest.DamageFile(t, path, do)
		return true
	}
}
