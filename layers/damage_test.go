package layers

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/layers/blob"
)

// TestDamaged tells a cache that is damaged from one that is not there and from
// what is not a cache, and the next save puts a whole one in its place.
func TestDamaged(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		damage func(t *testing.T, s *fakeStore, config, manifest []byte)
		says   string
	}{
		"config lost":      {setConfig(func([]byte) []byte { return nil }), "its config sha256:"},
		"config empty":     {setConfig(func([]byte) []byte { return []byte{} }), "its config is broken"},
		"config truncated": {setConfig(func(b []byte) []byte { return b[:len(b)/2] }), "its config is broken"},
		"config garbage":   {setConfig(func(b []byte) []byte { return bytes.Repeat([]byte("x"), len(b)) }), "its config is broken"},
		"manifest empty":   {setManifest(func([]byte) []byte { return nil }), "its manifest cannot be read"},
		"manifest cut":     {setManifest(func(b []byte) []byte { return b[:len(b)/2] }), "its manifest cannot be read"},
		"manifest garbage": {setManifest(func([]byte) []byte { return []byte("hello") }), "its manifest cannot be read"},
		"manifest null":    {setManifest(func([]byte) []byte { return []byte("null") }), "its manifest names no config"},
		"manifest another": {setManifest(func([]byte) []byte { return []byte(`{"a":1}`) }), "its manifest names no config"},
		"label lost":       {relabel(`"` + MetadataLabel + `"`), "no label"},
		"label no JSON":    {relabel(`{\"sbom\"`), "label " + MetadataLabel},
		"layers missing":   {relabel(`"diff_ids":[`), "in its config"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := seeded(t)
			manifest, err := store.manifest("latest")
			must(t, err)
			test.damage(t, store, store.blobs[manifest.Config.Digest.String()], store.manifests["latest"].raw)
			_, err = Load(t.Context(), store, "latest")
			damaged := AsDamaged(err)
			if damaged == nil || !errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrForeign) {
				t.Fatalf("error %v, want a *DamagedError", err)
			}
			if !strings.Contains(err.Error(), "fake.example.com/cache:latest is damaged: ") || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %q does not say %q", err, test.says)
			}
			m := newMachine(t, newFakeStore(), "samples/java")
			m.req.Store, m.req.PreviousDigest, m.req.Broken = store, damaged.Digest, []v1.Hash{damaged.Blob}
			m.makes(m2, "repo/a.jar", "repo/b.jar")
			m.makes(jdk, "bin/java")
			m.save()
			snapshot, err := Load(t.Context(), store, "latest")
			must(t, err)
			m = newMachine(t, store, "samples/java") // restores
			m.makes(m2)
			m.makes(jdk)
			if report := m.save(); report.Changed || report.Digest != snapshot.Digest() {
				t.Errorf("an unchanged cache was saved again: %+v", report)
			}
		})
	}
}

func setConfig(change func([]byte) []byte) func(*testing.T, *fakeStore, []byte, []byte) {
	return func(_ *testing.T, s *fakeStore, config, _ []byte) {
		digest := blob.DigestOf(config).String()
		delete(s.blobs, digest)
		if now := change(bytes.Clone(config)); now != nil {
			s.blobs[digest] = now
		}
	}
}

func setManifest(change func([]byte) []byte) func(*testing.T, *fakeStore, []byte, []byte) {
	return func(_ *testing.T, s *fakeStore, _, manifest []byte) {
		s.manifests["latest"] = fakeManifest{types.OCIManifestSchema1, change(bytes.Clone(manifest))}
	}
}

// relabel makes the cache one whose config has something else in place of a text,
// and everything else is right.
func relabel(text string) func(*testing.T, *fakeStore, []byte, []byte) {
	return func(t *testing.T, s *fakeStore, config, manifest []byte) {
		other := map[string]string{
			`"` + MetadataLabel + `"`: `"other"`, `{\"sbom\"`: `{`, `"diff_ids":[`: `"diff_ids":["` + hashed(1).String() + `",`,
		}[text]
		changed := bytes.Replace(config, []byte(text), []byte(other), 1)
		if bytes.Equal(changed, config) {
			t.Fatalf("%s has no %s", config, text)
		}
		s.blobs[blob.DigestOf(changed).String()] = changed
		raw := bytes.ReplaceAll(manifest, []byte(blob.DigestOf(config).String()), []byte(blob.DigestOf(changed).String()))
		raw = bytes.Replace(raw, []byte(`"size":`+strconv.Itoa(len(config))), []byte(`"size":`+strconv.Itoa(len(changed))), 1)
		s.manifests["latest"] = fakeManifest{types.OCIManifestSchema1, raw}
	}
}

// TestDamagedImage leaves an image alone that is damaged and not certainly a
// cache.
func TestDamagedImage(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"lost": func([]byte) []byte { return nil }, "cut": func(b []byte) []byte { return b[1:] },
	} {
		store := newFakeStore()
		store.put(t, "x", image{layers: []v1.Descriptor{{MediaType: types.OCILayer, Digest: hashed(1)}}})
		for digest, blob := range store.blobs {
			delete(store.blobs, digest)
			if now := damage(blob); now != nil {
				store.blobs[digest] = now
			}
		}
		if _, err := Load(t.Context(), store, "x"); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: error %v, want ErrForeign", name, err)
		}
	}
}

// TestSaveHealsWhereBlobsStay saves a layer whose blob is damaged in a store that
// never replaces a blob.
func TestSaveHealsWhereBlobsStay(t *testing.T) {
	t.Parallel()
	for _, codec := range []blob.Codec{blob.Zstd, blob.Gzip, blob.Estargz, blob.Uncompressed} {
		store := newFakeStore()
		m := newMachine(t, store, "samples/java")
		m.req.Compression.Codec = codec
		m.makes(m2, "repo/a.jar")
		m.save()
		snapshot, err := Load(t.Context(), store, "latest")
		must(t, err)
		diffID := previousDiffID(snapshot, m2.ID)
		blob, _ := blobOf(snapshot, diffID)
		bad := slices.Concat([]byte("x"), store.blobs[blob.Digest.String()][1:])

		m = newMachine(t, newFakeStore(), "samples/java")
		m.req.Store, m.req.Previous, m.req.Compression.Codec = store, snapshot, codec
		store.blobs[blob.Digest.String()] = bad
		if _, err := snapshot.Restore(t.Context(), diffID, m.layersDir, m2.ID.Dir(), RestoreOptions{StateDir: m.req.StateDir}); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("error %v, want ErrCorrupt", err)
		}
		m.makes(m2, "repo/a.jar") // the very same again
		m.save()
		store.blobs[blob.Digest.String()] = bad
		snapshot, err = Load(t.Context(), store, "latest")
		must(t, err)
		checked, err := snapshot.Check(t.Context(), nil)
		must(t, err)
		if len(checked) != 1 || checked[0].Err != nil {
			t.Errorf("%s: %+v", codec, checked)
		}
		newMachine(t, store, "samples/java") // restores
	}
}

// TestSaveDropsCutLayers keeps no layer of another build whose blob is too short.
func TestSaveDropsCutLayers(t *testing.T) {
	t.Parallel()
	store := seeded(t)
	m := newMachine(t, store, "samples/java")
	m.makes(m2)
	m.makes(jdk)
	blob, _ := blobOf(m.req.Previous, previousDiffID(m.req.Previous, deps.ID))
	store.blobs[blob.Digest.String()] = store.blobs[blob.Digest.String()][:blob.Size/2]
	wantStatuses(t, m.save(), map[string]Status{"samples/java:m2": Reused, "samples/java:jdk": Reused, "samples/node:deps": Removed})
}
