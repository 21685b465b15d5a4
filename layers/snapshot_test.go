package layers

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/buildpacks/lifecycle/platform"
	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/layers/blob"
)

// image is what a test puts under a name.
type image struct {
	manifestType, configType types.MediaType
	config                   v1.ConfigFile
	layers                   []v1.Descriptor
	rawManifest, rawConfig   string // instead of the above
}

func (s *fakeStore) put(t *testing.T, name string, i image) v1.Hash {
	t.Helper()
	if i.manifestType == "" {
		i.manifestType = types.OCIManifestSchema1
	}
	if i.configType == "" {
		i.configType = types.OCIConfigJSON
	}
	config := []byte(i.rawConfig)
	var err error
	if i.rawConfig == "" {
		config, err = json.Marshal(i.config)
		must(t, err)
	}
	s.blobs[blob.DigestOf(config).String()] = config
	manifest := []byte(i.rawManifest)
	if i.rawManifest == "" {
		manifest, err = json.Marshal(v1.Manifest{
			SchemaVersion: 2, MediaType: i.manifestType, Layers: i.layers,
			Config: v1.Descriptor{MediaType: i.configType, Digest: blob.DigestOf(config), Size: int64(len(config))},
		})
		must(t, err)
	}
	s.manifests[name] = fakeManifest{i.manifestType, manifest}
	return blob.DigestOf(manifest)
}

func labelled(label string) v1.ConfigFile {
	return v1.ConfigFile{Config: v1.Config{Labels: map[string]string{MetadataLabel: label}}}
}

func hashed(n int) v1.Hash { return blob.DigestOf([]byte(fmt.Sprint(n))) }

func TestLoad(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	config := labelled(`{"buildpacks":[{"key":"a/b","version":"1","layers":{"l":{"sha":"` + hashed(1).String() + `","data":{"n":1},"cache":true}}}],"sbom":{"sha":"x"}}`)
	config.OS, config.Architecture, config.Variant = "linux", "arm64", "v8"
	config.Config.Labels[distroNameLabel], config.Config.Labels[distroVersionLabel] = "debian", "13"
	// The lifecycle lists reused layers twice, and calls everything gzip.
	config.RootFS.DiffIDs = []v1.Hash{hashed(1), hashed(2), hashed(1)}
	digest := store.put(t, "x", image{config: config, layers: []v1.Descriptor{
		{MediaType: types.DockerLayer, Digest: hashed(11), Size: 5},
		{MediaType: types.OCILayerZStd, Digest: hashed(12), Size: 6},
		{MediaType: types.DockerLayer, Digest: hashed(11), Size: 5},
	}})
	snapshot, err := Load(t.Context(), store, "x")
	must(t, err)
	if snapshot.Digest() != digest {
		t.Errorf("digest %s", snapshot.Digest())
	}
	if got, want := snapshot.String(), "fake.example.com/cache:x"; got != want {
		t.Errorf("String() = %q", got)
	}
	if diff := cmp.Diff(Target{"linux", "arm64", "v8", "debian", "13"}, snapshot.Target()); diff != "" {
		t.Error(diff)
	}
	metadata := snapshot.Metadata()
	if got := metadata.MetadataForBuildpack("a/b").Layers["l"]; got.SHA != hashed(1).String() || !got.Cache {
		t.Errorf("metadata %+v", metadata)
	}
	layer, ok := snapshot.Layer(hashed(1).String())
	if want := (v1.Descriptor{MediaType: types.DockerLayer, Digest: hashed(11), Size: 5}); !ok || cmp.Diff([]v1.Descriptor{want}, layer.Blobs) != "" {
		t.Errorf("layer %+v, %t", layer, ok)
	}
	if _, ok := snapshot.Layer(hashed(3).String()); ok {
		t.Error("a blob that is not there")
	}
}

// What another program of some platform left in the config says nothing.
func TestLoadUnknownTarget(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	config := labelled(`{}`)
	config.OS, config.Architecture = "linux", "amd64"
	store.put(t, "x", image{config: config})
	snapshot, err := Load(t.Context(), store, "x")
	must(t, err)
	if snapshot.Target() != (Target{}) {
		t.Errorf("target %+v", snapshot.Target())
	}
}

func TestLoadForeign(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		image
		reason string
	}{
		"index":            {image{manifestType: types.OCIImageIndex, rawManifest: `{"schemaVersion":2,"manifests":[]}`}, "an image index"},
		"list":             {image{manifestType: types.DockerManifestList, rawManifest: `{"schemaVersion":2,"manifests":[]}`}, "an image index"},
		"schema 1":         {image{manifestType: types.DockerManifestSchema1Signed, rawManifest: `{"schemaVersion":1}`}, "media type"},
		"artifact":         {image{configType: "application/vnd.cncf.helm.config.v1+json"}, "artifact"},
		"no label":         {image{config: v1.ConfigFile{}}, "without the label"},
		"label of a list":  {image{config: labelled(`[]`)}, "label"},
		"layer name":       {image{config: labelled(`{"buildpacks":[{"key":"a","layers":{"../../x":{}}}]}`)}, "layer name"},
		"layer name empty": {image{config: labelled(`{"buildpacks":[{"key":"a","layers":{"":{}}}]}`)}, "layer name"},
		"layer name NUL":   {image{config: labelled(`{"buildpacks":[{"key":"a","layers":{"a\u0000":{}}}]}`)}, "layer name"},
		"buildpack ID ..":  {image{config: labelled(`{"buildpacks":[{"key":"..","layers":{}}]}`)}, "buildpack ID"},
		"config no JSON":   {image{rawConfig: `hello`}, "config cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newFakeStore()
			digest := store.put(t, "x", test.image)
			_, err := Load(t.Context(), store, "x")
			var foreign *ForeignError
			if !errors.Is(err, ErrForeign) || !errors.As(err, &foreign) {
				t.Fatalf("error %v, want ErrForeign", err)
			}
			if !strings.Contains(err.Error(), test.reason) || !strings.Contains(err.Error(), "fake.example.com/cache:x") {
				t.Errorf("error %q does not say %q", err, test.reason)
			}
			if foreign.Digest != digest || foreign.Hint() == "" {
				t.Errorf("%+v", foreign)
			}
		})
	}
}

func TestLoadFails(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	if _, err := Load(t.Context(), store, "none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
}

func FuzzParseMetadata(f *testing.F) {
	f.Add(`{"buildpacks":[{"key":"a/b","version":"1","layers":{"l":{"sha":"x","data":{"n":1},"cache":true}}}],"sbom":{"sha":"x"}}`)
	f.Add(`{"buildpacks":[{"key":"..","layers":{"..":{}}}]}`)
	f.Fuzz(func(t *testing.T, label string) {
		metadata, err := parseMetadata(label)
		if err != nil {
			return
		}
		for _, bp := range metadata.Buildpacks {
			for name := range bp.Layers {
				dir := LayerID{Buildpack: bp.ID, Layer: name}.Dir()
				if strings.Count(dir, "/") != 1 || strings.Contains("/"+dir+"/", "/../") || strings.Contains("/"+dir+"/", "/./") {
					t.Errorf("layer directory %q", dir)
				}
			}
		}
		if same, err := sameMetadata(metadata, metadata); err != nil || !same {
			t.Errorf("not the same as itself: %v", err)
		}
	})
}

func TestSameMetadata(t *testing.T) {
	t.Parallel()
	with := func(data any) platform.CacheMetadata {
		layer := cacheLayer("a", "l", false)
		layer.Metadata.Data = data
		made := &contents{}
		made.describe(saved{layer: layer, stored: Layer{DiffID: "sha256:1"}})
		return made.metadata
	}
	// TOML knows integers and times, JSON does not.
	if same, err := sameMetadata(with(map[string]any{"n": int64(12), "b": true}), with(map[string]any{"b": true, "n": 12.0})); err != nil || !same {
		t.Errorf("%t, %v", same, err)
	}
	if same, err := sameMetadata(with(map[string]any{"n": int64(12)}), with(map[string]any{"n": "12"})); err != nil || same {
		t.Errorf("%t, %v", same, err)
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	debian := Target{"linux", "arm64", "v8", "debian", "13"}
	for _, test := range []struct {
		a, b   Target
		reason string
	}{
		{debian, debian, ""},
		{Target{}, debian, ""},
		{debian, Target{}, ""},
		{debian, Target{OS: "linux", Architecture: "arm64"}, ""},
		{debian, Target{OS: "windows"}, "made for operating system linux, this build is for windows"},
		{debian, Target{OS: "linux", Architecture: "amd64"}, "made for architecture arm64, this build is for amd64"},
		{debian, Target{OS: "linux", Architecture: "arm64", Variant: "v9"}, "made for architecture variant v8, this build is for v9"},
		{debian, Target{DistroName: "ubuntu", DistroVersion: "24.04"}, "made for distribution debian, this build is for ubuntu"},
		{debian, Target{DistroName: "debian", DistroVersion: "12"}, "made for distribution version 13, this build is for 12"},
	} {
		if ok, reason := test.a.Compatible(test.b); ok != (test.reason == "") || reason != test.reason {
			t.Errorf("%s and %s: %t, %q", test.a, test.b, ok, reason)
		}
	}
	for want, target := range map[string]Target{
		"unknown": {}, "linux/arm64/v8 debian 13": debian, "linux": {OS: "linux"}, "debian": {DistroName: "debian"},
	} {
		if got := target.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestLayerID(t *testing.T) {
	t.Parallel()
	id := LayerID{Buildpack: "samples/java-maven", Layer: "maven_m2"}
	if id.String() != "samples/java-maven:maven_m2" || id.Dir() != "samples_java-maven/maven_m2" {
		t.Errorf("%s, %s", id, id.Dir())
	}
}

// TestLoadNestedLabel finds a label of 54 kB unusable that would take gigabytes
// when it is written to the files of a layer.
func TestLoadNestedLabel(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	data := strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9000)
	store.put(t, "x", image{config: labelled(`{"buildpacks":[{"key":"a/b","layers":{"l":{"sha":"x","data":` + data + `,"cache":true}}}]}`)})
	if _, err := Load(t.Context(), store, "x"); err == nil || !strings.Contains(err.Error(), "nests deeper") {
		t.Errorf("error %v", err)
	}
}
