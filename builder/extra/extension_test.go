package extra

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/builder"
)

// withExtensions is a builder that has the image extension acme/x.
func withExtensions(t *testing.T) *builder.Builder {
	return fakeBuilder(t, func(labels map[string]string) {
		labels["io.buildpacks.extension.layers"] = `{"acme/x":{"1":{"api":"0.10","layerDiffID":"sha256:` + strings.Repeat("a", 64) + `"}}}`
	})
}

// extensionDir writes an image extension.
func extensionDir(t *testing.T, id string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"extension.toml": "api = \"0.10\"\n[extension]\nid = \"" + id + "\"\nversion = \"2\"\n",
		"bin/generate":   "#!/bin/sh\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestExtensions takes image extensions from the builder, a directory and an
// image. The order of buildpacks stays as it is.
func TestExtensions(t *testing.T) {
	t.Parallel()
	layer := fakeLayer(t, "acme/z@1")
	images := map[string]v1.Image{"z": fakeImage(t, map[string]v1.Layer{"acme/other@1": layer}, nil, map[string]string{
		packageLabel:                     `{"id":"acme/z","version":"1"}`,
		"io.buildpacks.extension.layers": `{"acme/z":{"1":{"api":"0.10","layerDiffID":"` + diffID(t, layer) + `"}}}`,
	})}
	base := withExtensions(t)
	additions, err := resolve(t, base, Request{Extensions: sources("acme/x", extensionDir(t, "acme/y"), "docker://z")}, images)
	if err != nil {
		t.Fatal(err)
	}
	got := additions.read(t, base)
	var order struct {
		Order      builder.Order
		Extensions builder.Order `toml:"order-extensions"`
	}
	if _, err := toml.Decode(got.order, &order); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("acme/z@1, acme/y@2, acme/x@1", describe(order.Extensions)); diff != "" {
		t.Errorf("order of extensions, the last one first as in pack (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("acme/a@1, acme/b@1.2 (optional) | acme/c@3", describe(order.Order)); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"acme/y@2", "acme/z@1"}, additions.Outside); diff != "" {
		t.Errorf("outside (-want +got):\n%s", diff)
	}
	if !slices.Contains(got.layers[0], "755 cnb/extensions/acme_y/2/bin/generate #!/bin/sh\n") {
		t.Errorf("the extension is laid as %q", got.layers[0])
	}
}

func TestExtensionsRefused(t *testing.T) {
	t.Parallel()
	buildpack := t.TempDir()
	if err := os.WriteFile(filepath.Join(buildpack, "buildpack.toml"), []byte(descriptorOf("acme/y@1")), 0o600); err != nil {
		t.Fatal(err)
	}
	for locator, want := range map[string]string{
		"from=builder":           "image extension from=builder: image extensions cannot be taken from the builder's order",
		"acme/a":                 "image extension acme/a: there is no such path, and the builder has no such image extension",
		"from=builder:acme/none": "the builder has no image extension acme/none",
		"acme/x@7":               "the builder has no version 7 of acme/x, but 1",
		buildpack:                "it is a buildpack",
	} {
		_, err := resolve(t, withExtensions(t), Request{Extensions: sources(locator)}, nil)
		wantError(t, err, want)
	}
	_, err := resolve(t, withExtensions(t), Request{Buildpacks: sources(extensionDir(t, "acme/y"))}, nil)
	wantError(t, err, "it is an image extension")
}
