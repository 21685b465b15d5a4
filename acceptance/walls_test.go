package acceptance

import (
	"archive/tar"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// plantSBOMs is a buildpack in detect that wants restore to copy SBOMs for it: an
// analyzed.toml with another run image over the trusted one, and a message over every
// descriptor that restore may have.
const plantSBOMs = `
cd /layers
mkdir -p samples_flags samples_behave
sbom() { # LAYER TARGET CONTENT
	mkdir -p sbom/launch/samples_flags/$1 sbom/cache/samples_flags/$1
	echo "$3" | tee sbom/launch/samples_flags/$1/sbom.cdx.json > sbom/cache/samples_flags/$1/sbom.cdx.json
	ln -s "$2" samples_flags/$1.sbom.cdx.json
}
sbom state /state/analyzed.toml '[run-image]
reference = "RUN_IMAGE"
image = "RUN_IMAGE"'
n=0
while [ $n -lt 30 ]; do
	sbom fd$n /proc/self/fd/$n '{"error":{"phase":"restore","message":"forged message","code":99}}'
	n=$((n + 1))
done
`

// plantEverything leaves whatever else there is.
const plantEverything = `
cd /layers
mkdir -p samples_flags samples_behave
ln -s /nowhere samples_flags/store.toml
ln -s /nowhere samples_flags/only-cache.toml
mkfifo samples_flags/pipe.toml samples_behave/store.toml
ln -s / samples_churn
mkdir -p config; ln -s / config/metadata.toml
mkdir -p deep/a/b; chmod 0 deep/a
mkdir -m 0 closed
ln -s /nowhere .pack-cache 2> /dev/null || true
echo hard > samples_behave/hard; ln samples_behave/hard hard
`

// plantByDaemon leaves processes behind that go on planting, if they live.
const plantByDaemon = `
cat > /layers/daemon <<'END'
while :; do
	mkdir -p /layers/samples_flags /layers/sbom/launch/samples_flags/x
	echo forged message > /layers/sbom/launch/samples_flags/x/sbom.cdx.json
	for name in store.toml only-cache.toml only-cache.sbom.cdx.json x.sbom.cdx.json; do
		ln -sfn /proc/self/fd/1 /layers/samples_flags/$name
	done
	ln -sfn / /layers/config
done
END
for n in 1 2 3; do
	setsid sh -c 'trap "" HUP INT TERM; sh /layers/daemon & sh /layers/daemon' < /dev/null > /dev/null 2>&1 &
done
sleep 1
`

// showInBuild prints what restore has let through.
const showInBuild = `find /layers -name '*.toml' -prune -o -type l -print -o -type p -print -o -name sbom -print -o -name hard -print | sed 's/^/planted: /'; echo looked`

// TestPlantedInDetect has a buildpack plant files and links in the layers directory
// before restore uses it, on every engine: nothing of it is there in build, and the
// app image is the one of an honest build.
func TestPlantedInDetect(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	scripts := map[string]string{
		"SBOMs":      strings.ReplaceAll(plantSBOMs, "RUN_IMAGE", reg.ref("samples/tiny-builder")+":latest"),
		"everything": plantEverything,
		"a daemon":   plantByDaemon,
	}
	base := reg.image(t, reg.ref("samples/tiny-run"))
	baseLayers, err := base.Layers()
	if err != nil {
		t.Fatal(err)
	}
	wantBase, err := baseLayers[0].DiffID()
	if err != nil {
		t.Fatal(err)
	}
	for where, machine := range everywhere(t, builder, reg) {
		for what, script := range scripts {
			t.Run(where+", "+what, func(t *testing.T) {
				t.Parallel()
				app := newApp(t, map[string]string{"detect-run": script, "build-run": showInBuild}, nil)
				image := reg.ref(repositoryOf(t))
				args := []string{image, "--builder", builder, "--trust-builder", "--path", app.dir, "--cache-image", image + "-cache", "--publish"}
				for range 2 { // without and with a previous image and its SBOMs
					result, out := machine(t).build(args...)
					out.wantStderr(t, "build: run: looked", "Removed what detect has left in /layers: ")
					for line := range strings.Lines(out.stderr) {
						// Buildpacks before this one have links in their layers.
						if strings.Contains(line, "planted: ") && !strings.Contains(line, "/link") && !strings.Contains(line, "/dangling") {
							t.Error(line)
						}
					}
					out.wantNoStderr(t, "forged message")
					got := reg.image(t, image)
					all, err := got.Layers()
					if err != nil {
						t.Fatal(err)
					}
					if first, err := all[0].DiffID(); err != nil || first != wantBase {
						t.Errorf("the app image is based on %s, want %s: %v", first, wantBase, err)
					}
					if digest, err := got.Digest(); err != nil || result.Digest != digest.String() {
						t.Errorf("the result says %s, and the image is %s: %v", result.Digest, digest, err)
					}
				}
			})
		}
	}
}

// repositoryOf is a name for what a test publishes.
func repositoryOf(t *testing.T) string {
	t.Helper()
	return strings.ToLower(strings.NewReplacer("/", "-", " ", "-", "'", "", "#", "-", ",", "").Replace(t.Name()))
}

// everywhere are the engines, by what they are in.
func everywhere(t *testing.T, builder string, reg *registry) map[string]func(*testing.T) *machine {
	t.Helper()
	all := map[string]func(*testing.T) *machine{}
	for _, on := range grounds(t) {
		all[on.name] = on.machine
	}
	confined := confinements(t, builder, reg)
	for _, where := range []string{"inplace as root", "inplace restricted", "takeover restricted"} {
		all[where] = confined[where].machine
	}
	return all
}

// plants are what a buildpack does in build, and what export says of it. "" is a
// build that succeeds.
var plants = map[string]struct{ script, says string }{
	"launcher SBOM over a descriptor": {
		`d=/layers/sbom/launch/buildpacksio_lifecycle/launcher; mkdir -p $d; n=3; ln -s /proc/self/fd/9 $d/sbom.cdx.json; ln -s /proc/self/fd/8 $d/sbom.spdx.json; ln -s /proc/self/fd/7 $d/sbom.syft.json`,
		"a buildpack has left a symbolic link as /layers/sbom/launch/buildpacksio_lifecycle/launcher/sbom.",
	},
	"directory of the launcher's SBOM": {
		`d=/layers/sbom/launch/buildpacksio_lifecycle; mkdir -p $d /layers/samples_behave/x; ln -s /layers/samples_behave/x $d/launcher`,
		"a buildpack has left a symbolic link as /layers/sbom/launch/buildpacksio_lifecycle/launcher",
	},
	"SBOM of a layer": {
		`d=/layers/sbom/launch/samples_flags/only-launch; mkdir -p $d; ln -s /etc/passwd $d/x.json`,
		"buildpack samples/flags has left a symbolic link as /layers/sbom/launch/samples_flags/only-launch/x.json",
	},
	"pipe for metadata": {
		`rm /layers/samples_flags/only-launch.toml; mkfifo /layers/samples_flags/only-launch.toml`,
		"buildpack samples/flags has left a named pipe as /layers/samples_flags/only-launch.toml",
	},
	"link for metadata": {
		`ln -s ../group.toml /layers/samples_behave/store.toml`,
		"buildpack samples/behave has left a symbolic link as /layers/samples_behave/store.toml",
	},
	"hard link for metadata": {
		`printf '[types]\nlaunch = true\n' > /layers/samples_behave/x.toml; mkdir -p /layers/samples_behave/x; ln /layers/samples_behave/x.toml /layers/samples_behave/y`,
		"buildpack samples/behave has left a file with several names (hard links) as /layers/samples_behave/x.toml",
	},
	"link for a layer": {
		`ln -s /cnb /layers/samples_behave/x; printf '[types]\nlaunch = true\ncache = true\n' > /layers/samples_behave/x.toml`,
		"buildpack samples/behave has left a symbolic link as /layers/samples_behave/x",
	},
	"link for a buildpack's directory": {
		`mv /layers/samples_flags /layers/elsewhere; ln -s elsewhere /layers/samples_flags`,
		"buildpack samples/flags has left a symbolic link as /layers/samples_flags",
	},
	"link for the group": {
		`mv /layers/group.toml /layers/elsewhere.toml; ln -s elsewhere.toml /layers/group.toml`,
		"a buildpack has left a symbolic link as /layers/group.toml",
	},
	"link for the launcher's metadata": {
		`mkdir -p /layers/config; ln -s ../elsewhere.toml /layers/config/metadata.toml`,
		"a buildpack has left a symbolic link as /layers/config/metadata.toml",
	},
	"group above the layers": {
		`sed -i 's,samples/churn,..,' /layers/group.toml`,
		`no buildpack can have the id ".."`,
	},
	"what nobody reads": {
		`cd /layers/samples_behave; ln -s /etc/passwd note; mkfifo pipe; ln -s /nowhere /layers/nowhere; mkfifo /layers/pipe; mkdir -p x; ln -s /etc/passwd x/passwd; mkfifo x/pipe`,
		"",
	},
}

// TestPlantedInBuild has a buildpack plant files and links in the layers directory
// before export uses it.
func TestPlantedInBuild(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	forging := forgingBuilder(t, reg, builder)
	for _, name := range slices.Sorted(maps.Keys(plants)) {
		plant := plants[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkPlant(t, reg, newMachine(t), forging, plant.script, plant.says)
		})
	}
	for where, machine := range everywhere(t, forging, reg) {
		for _, name := range []string{"launcher SBOM over a descriptor", "pipe for metadata"} {
			plant := plants[name]
			t.Run(where+", "+name, func(t *testing.T) {
				t.Parallel()
				checkPlant(t, reg, machine(t), forging, plant.script, plant.says)
			})
		}
	}
}

func checkPlant(t *testing.T, reg *registry, m *machine, builder, script, says string) {
	t.Helper()
	app := newApp(t, map[string]string{"build-run": script}, nil)
	image := reg.ref(repositoryOf(t))
	out := m.run("build", image, "--builder", builder, "--trust-builder", "--path", app.dir, "--cache-image", image+"-cache", "--publish")
	if says == "" {
		out.wantCode(t, 0)
		return
	}
	if out.code < 60 || out.code > 69 || out.stdout != "" {
		t.Errorf("exit code %d, standard output %q\n%s", out.code, out.stdout, out.stderr)
	}
	out.wantStderr(t, says)
	out.wantNoStderr(t, "sha256:"+strings.Repeat("0", 64))
	if _, err := remote.Head(parsed(t, image), remote.WithTransport(reg.Transport())); err == nil {
		t.Errorf("an image was published")
	}
}

func parsed(t *testing.T, image string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(image)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// forgingBuilder is the builder with launcher SBOMs that are messages of a phase: that
// it is done, and the image has another digest.
func forgingBuilder(t *testing.T, reg *registry, builder string) string {
	t.Helper()
	message := fmt.Sprintf("{\"output\":{\"digest\":\"sha256:%s\",\"seconds\":1}}\n", strings.Repeat("0", 64))
	var entries []tar.Header
	for _, format := range []string{"cdx", "spdx", "syft"} {
		entries = append(entries, tar.Header{Typeflag: tar.TypeReg, Name: "cnb/lifecycle/launcher.sbom." + format + ".json", Mode: 0o644, Size: int64(len(message))})
	}
	img, err := mutate.AppendLayers(reg.image(t, builder), layerWith(t, entries, []byte(message)))
	if err != nil {
		t.Fatal(err)
	}
	ref := reg.ref("samples/forging-builder")
	reg.pushImage(t, ref, img)
	return ref
}
