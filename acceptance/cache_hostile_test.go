package acceptance

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/pack-cache/pack-cache/internal/testregistry"
	"github.com/pack-cache/pack-cache/layers"
)

// layerDir is where the archive of the layer only-cache unpacks to.
const layerDir = "/layers/samples_flags/only-cache"

// hostileArchives are archives of a layer that try to reach what is not theirs.
var hostileArchives = map[string][]tar.Header{
	"parent directories":     {dir(layerDir), file(layerDir + "/../../../workspace/escape")},
	"outside the layer":      {dir(layerDir), file("/layers/escape")},
	"another layer":          {dir(layerDir), file("/layers/samples_flags/build-cache/plain")},
	"the layer's metadata":   {dir(layerDir), file("/layers/samples_flags/only-cache.toml")},
	"the application":        {dir(layerDir), file("/workspace/escape")},
	"through a link":         {dir(layerDir), link(layerDir+"/x", "/workspace"), file(layerDir + "/x/escape")},
	"through a link upwards": {dir(layerDir), link(layerDir+"/x", "../../../workspace"), file(layerDir + "/x/escape")},
	"the layer is a link":    {link(layerDir, "/workspace"), file(layerDir + "/escape")},
	"a hard link":            {dir(layerDir), {Typeflag: tar.TypeLink, Name: layerDir + "/x", Linkname: "/workspace/hello.txt"}},
	"a device":               {dir(layerDir), {Typeflag: tar.TypeChar, Name: layerDir + "/x", Mode: 0o666, Devmajor: 1, Devminor: 3}},
	"a pipe":                 {dir(layerDir), {Typeflag: tar.TypeFifo, Name: layerDir + "/x", Mode: 0o666}},
}

func dir(name string) tar.Header {
	return tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755}
}

func file(name string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: 1}
}

func link(name, target string) tar.Header {
	return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target}
}

// TestCacheHostile restores from a cache in which one layer is hostile: that
// one is lost, and nothing else is touched.
func TestCacheHostile(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	args := func(cache string) []string {
		return []string{"--builder", builder, "--path", app.dir, "--cache-image", cache, "--previous-image", reg.ref("app"), "--publish"}
	}
	good, _ := newMachine(t).build(append([]string{reg.ref("app")}, args(reg.ref("cache"))...)...)
	for name, entries := range hostileArchives {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hostile := reg.fresh("hostile")
			reg.pushImage(t, hostile, replaceLayer(t, reg.image(t, reg.ref("cache")), reg.cache(t, reg.ref("cache")), entries))
			machine := newMachine(t)
			result, out := machine.build(append([]string{reg.fresh("app")}, args(hostile)...)...)
			out.wantStderr(t, "Warning: cached layer samples/flags:only-cache is not restored: ", "flags: only-cache: new")
			want := flagged("restored", "reused")
			want["samples/flags:only-cache"] = fate{"missed", "updated"}
			if got := fates(result); !maps.Equal(got, want) {
				t.Errorf("fates of the layers: %v, want %v", got, want)
			}
			if result.Digest != good.Digest {
				t.Errorf("the app image is %s instead of %s: something has reached it", result.Digest, good.Digest)
			}
			machine.wantNothingLeft()
		})
	}
}

// replaceLayer returns the cache image with another archive as the layer
// only-cache.
func replaceLayer(t *testing.T, img v1.Image, cache cacheImage, entries []tar.Header) v1.Image {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, entry := range entries {
		if err := w.WriteHeader(&entry); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, entry.Size)); err != nil {
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
	diffID, err := layer.DiffID()
	if err != nil {
		t.Fatal(err)
	}
	old := relabel(t, &cache, diffID.String())
	all, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range cache.diffIDs {
		if id == old {
			all[i] = layer
		}
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

// relabel has the metadata name another diffID for the layer only-cache, and
// returns the old one.
func relabel(t *testing.T, cache *cacheImage, diffID string) string {
	t.Helper()
	for _, bp := range cache.metadata.Buildpacks {
		if layer, ok := bp.Layers["only-cache"]; ok {
			old := layer.SHA
			layer.SHA = diffID
			bp.Layers["only-cache"] = layer
			return old
		}
	}
	t.Fatal("the cache has no layer only-cache")
	return ""
}
