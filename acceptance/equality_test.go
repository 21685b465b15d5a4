package acceptance

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/test/samples"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestLikeStock builds the same with pack-cache and with the stock lifecycle, by
// several versions of the Platform API: a cold build, one in which something
// changed, and one for a new tag. Buildpacks find the same layers, and the app
// images are equal.
func TestLikeStock(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		platformAPI string
		// newTag is how a build for a new tag finds a layer for launch and cache:
		// from 0.14 on the lifecycle restores it all the same.
		newTag string
	}{
		{"0.7", "new"}, {"0.10", "new"}, {"0.12", "new"}, {"0.13", "new"}, {"0.15", "restored"},
	} {
		t.Run(test.platformAPI, func(t *testing.T) {
			t.Parallel()
			reg := newRegistry(t, testregistry.Options{})
			builder := reg.tiny(t, func(o *samples.Options) { o.PlatformAPIs = []string{test.platformAPI} })
			app := newApp(t, map[string]string{
				"legacy": "", "count": "", "churn": interchangedChurn + "gone launch keep\n", "seed": "1",
			}, map[string]string{
				"src/a": "a", "static/style.css": "p {}", "static/images/one": "1", "static/images/two": "2",
			})
			machine := newMachine(t)
			// build returns what the buildpacks said.
			build := func(tag string) []string {
				result, out := machine.build(reg.ref("ours:"+tag), "--builder", builder, "--path", app.dir, "--cache-image", reg.ref("ours-cache"), "--publish")
				if result.Builder.PlatformAPI != test.platformAPI {
					t.Errorf("pack-cache spoke Platform API %s", result.Builder.PlatformAPI)
				}
				stock := reg.creator(t, builder, app, test.platformAPI, "-cache-image", reg.ref("stock-cache"), reg.ref("stock:"+tag))
				said := layerStates(out.stderr)
				if diff := cmp.Diff(layerStates(stock), said); diff != "" {
					t.Errorf("what buildpacks find in the build of %s (-stock +ours):\n%s", tag, diff)
				}
				reg.wantSameImages(t, reg.ref("stock:"+tag), reg.ref("ours:"+tag))
				return said
			}
			build("one")
			app.set(map[string]string{"churn": interchangedChurn, "seed": "2"})
			app.write("static/style.css", "p {color: red}")
			build("one")
			said := build("two")
			for _, want := range []string{"flags: launch-cache: " + test.newTag, "churn: launch-stays: " + test.newTag, "flags: only-cache: restored"} {
				if !slices.Contains(said, want) {
					t.Errorf("a new tag: no %q in %q", want, said)
				}
			}
		})
	}
}

// layerStates picks what buildpacks say of what they find out of a log.
func layerStates(log string) []string {
	return regexp.MustCompile(`(flags|churn|make): ([a-z-]+: (new|known|restored|unexpected)|builds before .*)`).FindAllString(log, -1)
}

// TestLikeStockAsAsked has pack-cache and the stock lifecycle build with
// everything that a user can ask for.
func TestLikeStockAsAsked(t *testing.T) {
	t.Parallel()
	const platformAPI = "0.15"
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	reg.pushImage(t, reg.ref("another-run"), reg.image(t, reg.ref("samples/tiny-run")))
	for _, who := range []string{"ours", "stock"} {
		reg.creator(t, builder, app, platformAPI, reg.ref(who+":previous"))
	}

	newMachine(t).build(reg.ref("ours"), "--builder", builder, "--path", app.dir, "--publish",
		"--tag", reg.ref("ours:too"), "--previous-image", reg.ref("ours:previous"), "--run-image", reg.ref("another-run"),
		"--default-process", "elsewhere", "--creation-time", "1700000000", "--env", "BP_CHURN=asked launch,cache keep")
	reg.creatorIn(t, builder, app,
		[]string{"CNB_PLATFORM_API=" + platformAPI, "SOURCE_DATE_EPOCH=1700000000"},
		map[string]string{"BP_CHURN": "asked launch,cache keep"},
		"-tag", reg.ref("stock:too"), "-previous-image", reg.ref("stock:previous"), "-run-image", reg.ref("another-run"),
		"-process-type", "elsewhere", reg.ref("stock"))
	reg.wantSameImages(t, reg.ref("stock"), reg.ref("ours"), runImageName)
	if reg.digest(t, reg.ref("ours")) != reg.digest(t, reg.ref("ours:too")) {
		t.Error("the additional tag stands for another image")
	}
	config, err := reg.image(t, reg.ref("ours")).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if got := config.Created.Unix(); got != 1700000000 {
		t.Errorf("created at %d", got)
	}
	if diff := cmp.Diff([]string{"/cnb/process/elsewhere"}, config.Config.Entrypoint); diff != "" {
		t.Errorf("entrypoint (-want +got):\n%s", diff)
	}
	wantLines(t, config.Config.Labels["io.buildpacks.lifecycle.metadata"], `"asked":{`)
}

// appImage is all that an app image consists of.
type appImage struct {
	MediaType types.MediaType
	Layers    []v1.Descriptor
	// Config is without its labels.
	Config *v1.ConfigFile
	// Labels are decoded where they are JSON.
	Labels map[string]any
}

func (r *registry) appImage(t *testing.T, ref string) appImage {
	t.Helper()
	img := r.image(t, ref)
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]any{}
	for key, value := range config.Config.Labels {
		var decoded any
		if err := json.Unmarshal([]byte(value), &decoded); err != nil {
			decoded = value
		}
		labels[key] = decoded
	}
	config.Config.Labels = nil
	return appImage{manifest.MediaType, manifest.Layers, config, labels}
}

// wantSameImages fails unless two app images are equal but for what cannot be.
func (r *registry) wantSameImages(t *testing.T, stock, ours string, butFor ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(r.appImage(t, stock), r.appImage(t, ours), append(butFor, launcherSource)...); diff != "" {
		t.Errorf("app image (-stock +ours):\n%s", diff)
	}
}

// launcherSource ignores where the launcher says that it comes from: the stock
// exporter says that of itself.
var launcherSource = cmp.FilterPath(func(p cmp.Path) bool {
	path := strings.TrimPrefix(labelPath(p), "Labels/")
	return path == "io.buildpacks.build.metadata/launcher/source" || strings.HasPrefix(path, "io.buildpacks.build.metadata/launcher/source/")
}, cmp.Ignore())

// runImageName ignores what the run image is called that the user has named: the
// stock lifecycle gives the builder's name, pack and pack-cache the user's.
var runImageName = cmp.FilterPath(func(p cmp.Path) bool {
	path := strings.TrimPrefix(labelPath(p), "io.buildpacks.lifecycle.metadata/")
	return path == "runImage/image" || path == "stack/runImage/image"
}, cmp.Ignore())

// labelPath is where in the labels' JSON a path leads to.
func labelPath(p cmp.Path) string {
	var keys []string
	for _, step := range p {
		if index, ok := step.(cmp.MapIndex); ok {
			keys = append(keys, fmt.Sprint(index.Key()))
		}
	}
	return strings.Join(keys, "/")
}
