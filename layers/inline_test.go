package layers

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/layers/blob"
)

// referring is a store that knows referrers.
type referring struct {
	*fakeStore
	referrers []v1.Descriptor
	err       error
}

func (s *referring) Referrers(_ context.Context, _ v1.Hash, artifactType string) ([]v1.Descriptor, error) {
	if artifactType != ArtifactType {
		return nil, errors.New("asked for " + artifactType)
	}
	return s.referrers, s.err
}

// refer makes the newest snapshot of the store one that refers to something.
func (s *referring) refer(t *testing.T, generation string) {
	t.Helper()
	desc, raw, err := s.Resolve(t.Context(), "latest")
	must(t, err)
	s.manifests[desc.Digest.String()] = fakeManifest{desc.MediaType, raw}
	desc.Annotations = map[string]string{GenerationAnnotation: generation}
	s.referrers = append(s.referrers, desc)
}

// appImage stores an app image under a name: labels, and a layer with each diffID.
func appImage(t *testing.T, store *fakeStore, name string, labels map[string]string, diffIDs ...string) {
	t.Helper()
	config := v1.ConfigFile{OS: "linux", Architecture: "amd64", Config: v1.Config{Labels: labels}}
	manifest := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1}
	for _, diffID := range diffIDs {
		hash, err := v1.NewHash(diffID)
		must(t, err)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, hash)
		manifest.Layers = append(manifest.Layers, v1.Descriptor{MediaType: types.OCILayer, Digest: hash, Size: 1})
	}
	raw, err := json.Marshal(config)
	must(t, err)
	store.blobs[blob.DigestOf(raw).String()] = raw
	manifest.Config = v1.Descriptor{MediaType: types.OCIConfigJSON, Digest: blob.DigestOf(raw), Size: int64(len(raw))}
	text, err := json.Marshal(manifest)
	must(t, err)
	store.manifests[name] = fakeManifest{types.OCIManifestSchema1, text}
}

const appMetadata = `{"app":[],"buildpacks":[{"key":"samples/java","version":"1","layers":{
	"jdk":{"sha":"%jdk","data":{"v":1},"launch":true,"cache":true},
	"jre":{"sha":"%jre","launch":true},
	"both":{"sha":"%jdk","launch":true,"cache":true,"build":true}}}],"sbom":{"sha":"%jre"}}`

// inlineLabels are the labels of an app image with an inline cache.
func inlineLabels(t *testing.T, target Target) (labels map[string]string, jdk, jre string) {
	t.Helper()
	jdk, jre = blob.DigestOf([]byte("jdk")).String(), blob.DigestOf([]byte("jre")).String()
	mark, err := InlineMark(target)
	must(t, err)
	metadata := strings.NewReplacer("%jdk", jdk, "%jre", jre).Replace(appMetadata)
	return map[string]string{InlineLabel: mark, appLabel: metadata}, jdk, jre
}

// TestLoadImport reads an app image, alone and with what is kept beside it.
func TestLoadImport(t *testing.T) {
	t.Parallel()
	store := &referring{fakeStore: seeded(t)}
	labels, jdk, jre := inlineLabels(t, debian)
	appImage(t, store.fakeStore, "app", labels, jdk, jre)
	names := func(s *Snapshot) map[string][]string {
		all := map[string][]string{}
		for _, content := range s.Contents() {
			if content.ID != (LayerID{}) {
				all[content.ID.Buildpack] = append(all[content.ID.Buildpack], content.ID.Layer)
			}
		}
		return all
	}
	load := func() *Snapshot {
		t.Helper()
		s, err := LoadImport(t.Context(), store, "app")
		must(t, err)
		if s.Target() != debian || !s.Inline() || !s.In(store) {
			t.Errorf("%+v", s)
		}
		return s
	}
	alone := load()
	if diff := cmp.Diff(map[string][]string{"samples/java": {"both", "jdk"}}, names(alone)); diff != "" {
		t.Error(diff)
	}
	if _, ok := alone.Layer(jdk); !ok || alone.Incomplete() != nil || alone.Metadata().BOM.SHA != "" {
		t.Errorf("%+v", alone)
	}

	store.refer(t, "1")
	whole := load()
	if diff := cmp.Diff(map[string][]string{"samples/java": {"both", "jdk", "m2"}, "samples/node": {"deps"}}, names(whole)); diff != "" {
		t.Error(diff)
	}
	if got := previousDiffID(whole, LayerID{Buildpack: "samples/java", Layer: "jdk"}); got != jdk {
		t.Errorf("the layer is %s, and in the app image %s", got, jdk)
	}
	_, err := whole.Restore(t.Context(), previousDiffID(whole, m2.ID), t.TempDir(), m2.ID.Dir(), RestoreOptions{})
	must(t, err)

	// Of several, the last one counts, and one for another target not at all.
	m := newMachine(t, store.fakeStore, "samples/java")
	m.req.Target.DistroVersion = "12"
	m.req.Previous = nil
	m.req.PreviousDigest = store.referrers[0].Digest
	m.makes(m2, "repo/c.jar")
	m.save()
	store.refer(t, "2")
	if diff := cmp.Diff(names(alone), names(load())); diff != "" {
		t.Error(diff)
	}

	store.err = errors.New("no answer")
	if broken := load(); broken.Incomplete() == nil || len(names(broken)) != 1 {
		t.Errorf("%+v", broken)
	}
	if app, err := LoadImport(t.Context(), store.fakeStore, "app"); err != nil || app.Incomplete() != nil {
		t.Errorf("a store without referrers: %v, %v", err, app.Incomplete())
	}
}

// TestLoadAppImages takes app images for no caches where a cache is to be saved, and
// says what they are.
func TestLoadAppImages(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	labels, jdk, jre := inlineLabels(t, debian)
	appImage(t, store, "inline", labels, jdk, jre)
	appImage(t, store, "app", map[string]string{appLabel: labels[appLabel]}, jdk)
	appImage(t, store, "astray", map[string]string{InlineLabel: labels[InlineLabel], appLabel: `{"buildpacks":[{"key":"..","layers":{"x":{"cache":true,"launch":true}}}]}`})
	appImage(t, store, "unmarked", map[string]string{InlineLabel: "[]", appLabel: labels[appLabel]})
	appImage(t, store, "plain", nil)
	for _, test := range []struct {
		name, says string
		load       func(context.Context, Store, string) (*Snapshot, error)
	}{
		{"inline", "an app image", Load},
		{"app", "an app image", Load},
		{"app", "an app image without an inline cache", LoadImport},
		{"astray", `buildpack ID ".."`, LoadImport},
		{"unmarked", InlineLabel, LoadImport},
		{"plain", "an image without the label " + MetadataLabel, LoadImport},
	} {
		_, err := test.load(t.Context(), store, test.name)
		if !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %s", test.name, err, test.says)
		}
	}
}

// TestNewest puts referrers into an order that all readers agree on.
func TestNewest(t *testing.T) {
	t.Parallel()
	made := func(content, generation string) v1.Descriptor {
		return v1.Descriptor{Digest: blob.DigestOf([]byte(content)), Annotations: map[string]string{GenerationAnnotation: generation}}
	}
	a, b, c, odd := made("a", "2"), made("b", "2"), made("c", "10"), made("d", "-7")
	if Newer(a, b) == Newer(b, a) || Newer(a, a) || !Newer(c, a) || Newer(odd, b) || Generation(odd) != 0 {
		t.Error("the order is none")
	}
	for _, all := range [][]v1.Descriptor{{a, b, c, odd}, {odd, c, b, a}} {
		if got, ok := Newest(all); !ok || got.Digest != c.Digest {
			t.Errorf("newest is %v", got)
		}
	}
	if _, ok := Newest(nil); ok {
		t.Error("there is a newest of none")
	}
}
