package acceptance

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/buildpacks/lifecycle/buildpack"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/layers"
)

// hostileArchive makes the archive of a layer that is to be unpacked into a
// directory and tries to reach what is not there.
type hostileArchive struct {
	name    string
	entries func(layer string) []tar.Header
}

var hostileArchives = []hostileArchive{
	{"parent directories", func(layer string) []tar.Header {
		return []tar.Header{directory(layer), file(layer + "/../../../workspace/escape")}
	}},
	{"outside the layer", func(layer string) []tar.Header { return []tar.Header{directory(layer), file("/layers/escape")} }},
	{"another layer", func(layer string) []tar.Header {
		return []tar.Header{directory(layer), file("/layers/samples_flags/build-cache/plain")}
	}},
	{"the layer's metadata", func(layer string) []tar.Header { return []tar.Header{directory(layer), file(layer + ".toml")} }},
	{"the application", func(layer string) []tar.Header { return []tar.Header{directory(layer), file("/workspace/escape")} }},
	{"through a link", func(layer string) []tar.Header {
		return []tar.Header{directory(layer), link(layer+"/x", "/workspace"), file(layer + "/x/escape")}
	}},
	{"through a link upwards", func(layer string) []tar.Header {
		return []tar.Header{directory(layer), link(layer+"/x", "../../../workspace"), file(layer + "/x/escape")}
	}},
	{"the layer is a link", func(layer string) []tar.Header {
		return []tar.Header{link(layer, "/workspace"), file(layer + "/escape")}
	}},
	{"a hard link", func(layer string) []tar.Header {
		return []tar.Header{directory(layer), {Typeflag: tar.TypeLink, Name: layer + "/x", Linkname: "/workspace/hello.txt"}}
	}},
	{"a device", func(layer string) []tar.Header {
		return []tar.Header{directory(layer), {Typeflag: tar.TypeChar, Name: layer + "/x", Mode: 0o666, Devmajor: 1, Devminor: 3}}
	}},
	{"a pipe", func(layer string) []tar.Header {
		return []tar.Header{directory(layer), {Typeflag: tar.TypeFifo, Name: layer + "/x", Mode: 0o666}}
	}},
}

func directory(name string) tar.Header {
	return tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755}
}

func file(name string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: 1}
}

func link(name, target string) tar.Header {
	return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target}
}

// layer is the name of the layer that the archive is given as.
func (h hostileArchive) layer() string { return strings.NewReplacer(" ", "-", "'", "").Replace(h.name) }

// TestCacheHostile restores from a cache with hostile layers: they are lost, and
// nothing else is touched.
func TestCacheHostile(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	var churn strings.Builder
	for _, hostile := range hostileArchives {
		fmt.Fprintf(&churn, "%s cache keep\n", hostile.layer())
	}
	app := newApp(t, map[string]string{"churn": churn.String()}, nil)
	args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--cache-image", reg.ref("cache"), "--publish"}
	good, _ := newMachine(t).build(args...)
	reg.pushImage(t, reg.ref("cache"), withHostileLayers(t, reg.image(t, reg.ref("cache")), reg.cache(t, reg.ref("cache"))))

	machine := newMachine(t)
	result, out := machine.build(args...)
	for _, hostile := range hostileArchives {
		out.wantStderr(t, "Warning: cached layer samples/churn:"+hostile.layer()+" is not restored: ", "churn: "+hostile.layer()+": new")
		if got, want := fates(result)["samples/churn:"+hostile.layer()], (fate{"missed", "updated"}); got != want {
			t.Errorf("%s: %v, want %v", hostile.name, got, want)
		}
	}
	for id, want := range flagged("restored", "reused") {
		if got := fates(result)[id]; got != want {
			t.Errorf("%s: %v, want %v", id, got, want)
		}
	}
	if result.Digest != good.Digest {
		t.Errorf("the app image is %s instead of %s: something has reached it", result.Digest, good.Digest)
	}
	machine.wantNothingLeft()
}

// withHostileLayers returns the cache image with hostile archives instead of
// the layers that are called like them.
func withHostileLayers(t *testing.T, img v1.Image, cache cacheImage) v1.Image {
	t.Helper()
	all, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(cache.metadata.Buildpacks, func(bp buildpack.LayersMetadata) bool { return bp.ID == "samples/churn" })
	named := cache.metadata.Buildpacks[i].Layers
	for _, hostile := range hostileArchives {
		made := layerOfArchive(t, hostile.entries("/layers/samples_churn/"+hostile.layer()))
		diffID, err := made.DiffID()
		if err != nil {
			t.Fatal(err)
		}
		md := named[hostile.layer()]
		all[slices.Index(cache.diffIDs, md.SHA)] = made
		md.SHA = diffID.String()
		named[hostile.layer()] = md
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	label, err := json.Marshal(cache.metadata)
	if err != nil {
		t.Fatal(err)
	}
	config.Config.Labels[layers.MetadataLabel] = string(label)
	config.RootFS.DiffIDs, config.History = nil, nil
	if img, err = mutate.ConfigFile(empty.Image, config); err != nil {
		t.Fatal(err)
	}
	if img, err = mutate.AppendLayers(img, all...); err != nil {
		t.Fatal(err)
	}
	return img
}

// layerOfArchive is an image layer with these entries.
func layerOfArchive(t *testing.T, entries []tar.Header) v1.Layer {
	t.Helper()
	return layerWith(t, entries, nil)
}

// layerWith is layerOfArchive with files that begin with content.
func layerWith(t *testing.T, entries []tar.Header, content []byte) v1.Layer {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, entry := range entries {
		if err := w.WriteHeader(&entry); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(append(content, make([]byte, max(0, int(entry.Size)-len(content)))...)[:entry.Size]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(archive.Bytes())), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return layer
}
