package acceptance

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/buildpacks/lifecycle/buildpack"
	lifecycleplatform "github.com/buildpacks/lifecycle/platform"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/layers"
)

// image reads an image of the registry.
func (r *registry) image(t *testing.T, ref string) v1.Image {
	t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(parsed, remote.WithAuthFromKeychain(r.keychain), remote.WithTransport(r.Transport()), remote.WithContext(t.Context()))
	if err != nil {
		t.Fatalf("read image %s: %v", ref, err)
	}
	return img
}

// cacheImage is a cache image as every reader of the format sees it.
type cacheImage struct {
	metadata lifecycleplatform.CacheMetadata
	// diffIDs and blobs are the layers in their order.
	diffIDs, blobs []string
	manifest       *v1.Manifest
	image          v1.Image
}

// cache reads the cache image under ref.
func (r *registry) cache(t *testing.T, ref string) cacheImage {
	t.Helper()
	return cacheOf(t, r.image(t, ref))
}

// cacheOf reads a cache image.
func cacheOf(t *testing.T, img v1.Image) cacheImage {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	cache := cacheImage{image: img}
	if err := json.Unmarshal([]byte(config.Config.Labels[layers.MetadataLabel]), &cache.metadata); err != nil {
		t.Fatalf("cache metadata: %v", err)
	}
	if cache.manifest, err = img.Manifest(); err != nil {
		t.Fatal(err)
	}
	for _, diffID := range config.RootFS.DiffIDs {
		cache.diffIDs = append(cache.diffIDs, diffID.String())
	}
	for _, layer := range cache.manifest.Layers {
		cache.blobs = append(cache.blobs, layer.Digest.String())
	}
	return cache
}

// layer returns what the metadata say of a layer, and whether they name it.
func (c cacheImage) layer(buildpackID, layer string) (buildpack.LayerMetadata, bool) {
	md, ok := c.metadata.MetadataForBuildpack(buildpackID).Layers[layer]
	return md, ok
}

// blob returns the digest of the blob that holds a layer; "" if none does.
func (c cacheImage) blob(buildpackID, layer string) string {
	md, _ := c.layer(buildpackID, layer)
	if i := slices.Index(c.diffIDs, md.SHA); i >= 0 {
		return c.blobs[i]
	}
	return ""
}

// wantWhole fails unless the cache image lists every layer that its metadata
// name, each of them once, and nothing else.
func (c cacheImage) wantWhole(t *testing.T) {
	t.Helper()
	named := []string{}
	if c.metadata.BOM.SHA != "" {
		named = append(named, c.metadata.BOM.SHA)
	}
	for _, bp := range c.metadata.Buildpacks {
		for name, layer := range bp.Layers {
			if !layer.Cache {
				t.Errorf("cache metadata name %s:%s, which is not for the cache", bp.ID, name)
			}
			if !slices.Contains(named, layer.SHA) { // layers may be equal
				named = append(named, layer.SHA)
			}
		}
	}
	listed := slices.Sorted(slices.Values(c.diffIDs))
	if slices.Sort(named); !slices.Equal(named, listed) {
		t.Errorf("cache metadata name the layers %v, the image lists %v", named, listed)
	}
	if blobs := slices.Compact(slices.Sorted(slices.Values(c.blobs))); len(blobs) != len(c.blobs) {
		t.Errorf("a blob is listed twice: %v", c.blobs)
	}
}

// pushed returns the digests of the blobs that were uploaded to a repository
// through the proxy since its last Reset, sorted.
func pushed(f *testregistry.Faults, repository string) []string {
	var digests []string
	for _, request := range f.Requests("", "^/v2/"+repository+"/blobs/uploads/") {
		query, err := url.ParseQuery(request.Query)
		if digest := query.Get("digest"); err == nil && digest != "" && request.Status == http.StatusCreated {
			digests = append(digests, digest)
		}
	}
	slices.Sort(digests)
	return digests
}

// sorted returns its arguments in their order.
func sorted(all ...string) []string {
	slices.Sort(all)
	return all
}
