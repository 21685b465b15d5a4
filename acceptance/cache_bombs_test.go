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
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/layers"
)

// bombLayer is a small blob with a large archive: one file of so many bytes.
type bombLayer struct {
	v1.Layer
	blob           []byte
	digest, diffID v1.Hash
}

func newBomb(t *testing.T, file string, size int64) *bombLayer {
	t.Helper()
	var archive, blob bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Name: file, Typeflag: tar.TypeReg, Mode: 0o644, Size: size}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(bytes.Repeat([]byte("x"), int(size))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b := &bombLayer{}
	var err error
	if b.diffID, _, err = v1.SHA256(bytes.NewReader(archive.Bytes())); err != nil {
		t.Fatal(err)
	}
	encoder, err := zstd.NewWriter(&blob)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(encoder, &archive); err != nil {
		t.Fatal(err)
	}
	if err := encoder.Close(); err != nil {
		t.Fatal(err)
	}
	b.blob = blob.Bytes()
	if b.digest, _, err = v1.SHA256(bytes.NewReader(b.blob)); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bombLayer) Digest() (v1.Hash, error)            { return b.digest, nil }
func (b *bombLayer) DiffID() (v1.Hash, error)            { return b.diffID, nil }
func (b *bombLayer) Size() (int64, error)                { return int64(len(b.blob)), nil }
func (b *bombLayer) MediaType() (types.MediaType, error) { return types.OCILayerZStd, nil }
func (b *bombLayer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(b.blob)), nil
}

const bombSize = 300 << 20

// TestCacheBombs restores from a cache in which small blobs have large archives:
// each is a miss with the reason, and the next save replaces it.
func TestCacheBombs(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"churn": "announced cache keep\nsilent cache keep\n"}, nil)
	args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--cache-image", reg.ref("cache"), "--publish"}
	good, _ := newMachine(t).build(args...)
	reg.pushImage(t, reg.ref("cache"), withBombs(t, reg.image(t, reg.ref("cache")), reg.cache(t, reg.ref("cache"))))

	result, out := newMachine(t).build(args...)
	out.wantStderr(t,
		"Warning: cached layer samples/churn:announced is not restored: restoring samples_churn/announced: the archive has more than the 1000000 bytes that are announced",
		"Warning: cached layer samples/churn:silent is not restored: restoring samples_churn/silent: the archive has more than")
	for _, layer := range []string{"announced", "silent"} {
		if got, want := fates(result)["samples/churn:"+layer], (fate{"missed", "updated"}); got != want {
			t.Errorf("%s: %v, want %v", layer, got, want)
		}
	}
	if result.Digest != good.Digest {
		t.Errorf("the app image is %s instead of %s", result.Digest, good.Digest)
	}
	result, _ = newMachine(t).build(args...)
	for _, layer := range []string{"announced", "silent"} {
		if got, want := fates(result)["samples/churn:"+layer], (fate{"restored", "reused"}); got != want {
			t.Errorf("%s afterwards: %v, want %v", layer, got, want)
		}
	}
}

// withBombs returns the cache image with bombs for the layers of the churn
// buildpack: one that announces 1 MB, and one that announces nothing.
func withBombs(t *testing.T, img v1.Image, cache cacheImage) v1.Image {
	t.Helper()
	all, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	added := make([]mutate.Addendum, len(all))
	for i, layer := range all {
		added[i].Layer = layer
	}
	i := slices.IndexFunc(cache.metadata.Buildpacks, func(bp buildpack.LayersMetadata) bool { return bp.ID == "samples/churn" })
	named := cache.metadata.Buildpacks[i].Layers
	for name, annotations := range map[string]map[string]string{
		"announced": {"com.github.pack-cache.uncompressed-size": "1000000"}, "silent": nil,
	} {
		bomb := newBomb(t, "/layers/samples_churn/"+name+"/file", bombSize)
		md := named[name]
		added[slices.Index(cache.diffIDs, md.SHA)] = mutate.Addendum{Layer: bomb, Annotations: annotations, MediaType: types.OCILayerZStd}
		md.SHA = bomb.diffID.String()
		named[name] = md
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
	if img, err = mutate.ConfigFile(mutate.MediaType(empty.Image, types.OCIManifestSchema1), config); err != nil {
		t.Fatal(err)
	}
	if img, err = mutate.Append(img, added...); err != nil {
		t.Fatal(err)
	}
	return img
}

// TestCacheBombLabel restores from caches whose labels are over a bound, or large
// and below the bounds: the build goes on, and the next save replaces the label.
func TestCacheBombLabel(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	var many strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&many, `%s"l%d":{"sha":"sha256:%064d","build":true,"launch":false,"cache":true}`, map[bool]string{true: "", false: ","}[i == 0], i, i)
	}
	for _, test := range []struct{ name, label, says string }{
		{"nested", `{"buildpacks":[{"key":"samples/flags","layers":{"l":{"sha":"sha256:1","cache":true,"data":` + strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9000) + `}}}]}`, "nests deeper than 64 levels"},
		{"many layers", `{"buildpacks":[{"key":"samples/flags","layers":{` + many.String() + `}}]}`, "more cached layers are not restored"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cache := reg.ref("cache-" + strings.ReplaceAll(test.name, " ", "-"))
			args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--cache-image", cache, "--publish"}
			newMachine(t).build(args...)
			reg.change(t, cache, cache, func(c *v1.ConfigFile) { c.Config.Labels[layers.MetadataLabel] = test.label })
			_, out := newMachine(t).build(args...)
			out.wantStderr(t, test.says)
			result, out := newMachine(t).build(args...)
			out.wantNoStderr(t, test.says)
			for id, want := range flagged("restored", "reused") {
				if got := fates(result)[id]; got != want {
					t.Errorf("%s: %v, want %v", id, got, want)
				}
			}
		})
	}
}

// TestBuilderBomb builds with a builder one of whose layers has far more than is
// stored.
func TestBuilderBomb(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	good := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	bomb := newBomb(t, "/opt/bomb", bombSize)
	img, err := mutate.Append(reg.image(t, good), mutate.Addendum{Layer: bomb, MediaType: types.OCILayerZStd})
	if err != nil {
		t.Fatal(err)
	}
	reg.pushImage(t, reg.ref("bomb"), img)
	args := []string{reg.ref("app"), "--builder", reg.ref("bomb"), "--path", app.dir, "--publish"}
	refusal{args: args, code: 1, says: []string{bomb.digest.String(), "nothing says how large it is", "HINT: the image is broken, or made to fill the machine: choose another builder"}}.check(t, reg)
}
