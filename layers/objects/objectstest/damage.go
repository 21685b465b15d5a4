// Package objectstest is what the contract tests of all services of objects need.
//
// What it is not for: the contract itself (package storetest).
package objectstest

import (
	"io"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/objects"
	"github.com/pack-cache/pack-cache/layers/storetest"
)

// Damager returns what changes objects behind a store's back (storetest.Options.Damage).
// A store calls itself ADDRESS/BUCKET/PREFIX, and keeps blobs in blobs/ and manifests in
// manifests/ below the prefix.
func Damager(of objects.Service, address string) func(*testing.T, layers.Store, storetest.Part, func([]byte) []byte) bool {
	return func(t *testing.T, s layers.Store, at storetest.Part, do func([]byte) []byte) bool {
		t.Helper()
		_, prefix, _ := strings.Cut(strings.TrimPrefix(s.String(), address+"/"), "/")
		key := prefix + "blobs/" + at.Digest.String()
		if at.Name != "" {
			key = prefix + "manifests/" + at.Name
		}
		body, info, err := of.Get(t.Context(), key, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(body)
		if err == nil {
			err = body.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		if content = do(content); content == nil {
			err = of.Delete(t.Context(), key)
		} else {
			err = of.Put(t.Context(), key, info.ContentType, content, objects.Condition{})
		}
		if err != nil {
			t.Fatal(err)
		}
		return true
	}
}
