package acceptance

import (
	"archive/tar"
	"bytes"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/test/samples"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestRunImageKinds builds on run images, and with builders, that say more or less of
// themselves, by Platform APIs with stacks and with targets. The app image is that of
// the builder's own creator.
func TestRunImageKinds(t *testing.T) {
	t.Parallel()
	var distribution = []string{"io.buildpacks.base.distro.name", "io.buildpacks.base.distro.version", "io.buildpacks.base.id"}
	for _, kind := range []struct {
		name string
		// distroless makes the run image one of almost nothing, mirrored copies it to
		// the registry of the app image.
		distroless, mirrored bool
		// unsaid are labels that neither image has, removed files of the builder.
		unsaid, removed []string
	}{
		{name: "distroless", distroless: true},
		{name: "mirrored", mirrored: true},
		{name: "stack alone", unsaid: distribution, removed: []string{"cnb/.wh.run.toml"}},
		{name: "target alone", unsaid: []string{"io.buildpacks.stack.id"}, removed: []string{"cnb/.wh.stack.toml"}},
	} {
		for _, by := range []struct{ lifecycle, platformAPI string }{{"0.17.7", "0.11"}, {samples.LifecycleVersion, "0.15"}} {
			t.Run(kind.name+" by "+by.platformAPI, func(t *testing.T) {
				t.Parallel()
				reg := newRegistry(t, testregistry.Options{})
				of := reg // the registry of the app image
				if kind.mirrored {
					of = newRegistry(t, testregistry.Options{})
				}
				builder := reg.tiny(t, func(o *samples.Options) {
					o.Lifecycle, o.PlatformAPIs, o.BuildpackAPIs = by.lifecycle, []string{by.platformAPI}, []string{"0.7", "0.10"}
					if kind.mirrored {
						o.RunImageMirrors = []string{"nowhere.invalid/run", of.ref("mirror/run")}
					}
				})
				run := reg.ref("samples/tiny-run")
				if kind.distroless {
					reg.pushImage(t, run, distroless(t, reg.image(t, run)))
				}
				for _, image := range []string{builder, run} {
					reg.change(t, image, image, func(c *v1.ConfigFile) {
						for _, label := range kind.unsaid {
							delete(c.Config.Labels, label)
						}
						c.Config.Env = slices.DeleteFunc(c.Config.Env, func(entry string) bool {
							return strings.HasPrefix(entry, "CNB_STACK_ID=") && c.Config.Labels["io.buildpacks.stack.id"] == ""
						})
					})
				}
				reg.pushImage(t, builder, withEmptyFiles(t, reg.image(t, builder), kind.removed...))
				args := []string{of.ref("stock")}
				if kind.mirrored {
					of.pushImage(t, of.ref("mirror/run"), reg.image(t, run))
				} else {
					args = append([]string{"-run-image", run}, args...)
				}
				app := newApp(t, nil, map[string]string{"src/a": "a"})
				result, out := newMachine(t).build(of.ref("ours"), "--builder", builder, "--path", app.dir, "--publish")
				out.wantNoStderr(t, "WARN")
				if kind.mirrored != strings.HasPrefix(result.RunImage, of.ref("mirror/run@")) {
					t.Errorf("the run image is %s", result.RunImage)
				}
				reg.creator(t, builder, app, by.platformAPI, args...)
				of.wantSameImages(t, of.ref("stock"), of.ref("ours"))
			})
		}
	}
}

// TestRunImageWithoutLayers builds on a run image of nothing, which cannot be. The
// error comes before any buildpack has run.
func TestRunImageWithoutLayers(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	nothing, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	reg.pushImage(t, reg.ref("nothing"), nothing)
	app := newApp(t, nil, nil)
	for _, to := range [][]string{{reg.ref("app"), "--publish"}, {"oci:" + t.TempDir()}} {
		args := append([]string{"build", "--builder", builder, "--path", app.dir, "--run-image", reg.ref("nothing")}, to...)
		out := newMachine(t).run(args...)
		if out.code == 0 {
			t.Errorf("%v: built", to)
		}
		out.wantStderr(t, "run image "+reg.ref("nothing"), "no layers", "HINT: an app image is a run image with more layers")
		out.wantNoStderr(t, "DETECTING", "BUILDING")
	}
}

// distroless returns an image that says of itself what another one says, and has
// neither a shell nor users nor certificates.
func distroless(t *testing.T, of v1.Image) v1.Image {
	t.Helper()
	config, err := of.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: config.OS, Architecture: config.Architecture, Config: v1.Config{User: "65532:65532", Labels: config.Config.Labels},
	})
	if err != nil {
		t.Fatal(err)
	}
	return withEmptyFiles(t, img, "etc/os-release")
}

// withEmptyFiles returns an image with one more layer if there are files to be in it.
func withEmptyFiles(t *testing.T, img v1.Image, files ...string) v1.Image {
	t.Helper()
	if len(files) == 0 {
		return img
	}
	var layer bytes.Buffer
	archive := tar.NewWriter(&layer)
	for _, name := range files {
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(img, static.NewLayer(layer.Bytes(), types.OCIUncompressedLayer))
	if err != nil {
		t.Fatal(err)
	}
	return img
}
