package acceptance

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/test/samples"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/platform"
)

// nowhere is a registry that does not answer.
const nowhere = "registry.invalid"

// movedBuilder pushes the tiny builder as one whose run image is in a registry
// that does not answer.
func (r *registry) movedBuilder(t *testing.T, to string) {
	t.Helper()
	r.change(t, r.tiny(t, nil), to, func(config *v1.ConfigFile) {
		const label = "io.buildpacks.builder.metadata"
		config.Config.Labels[label] = strings.ReplaceAll(config.Config.Labels[label], r.Addr, nowhere)
	})
}

// TestRegistryMirror builds with a builder and a run image of a registry that
// does not answer, but has a mirror. The mirror gets no credential of the
// registry, and the builder is judged by its name.
func TestRegistryMirror(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	reg.movedBuilder(t, reg.ref("mirror/samples/moved-builder"))
	reg.pushImage(t, reg.ref("mirror/samples/tiny-run"), reg.image(t, reg.ref("samples/tiny-run")))
	var asked sync.Map
	proxy := testregistry.NewFaults(t, reg.Registry, testregistry.Rule{Edit: func(r *http.Request) {
		asked.Store(r.URL.Path, r.Header.Get("Authorization"))
	}})
	app := newApp(t, nil, nil)
	builder := nowhere + "/samples/moved-builder"
	machine := newMachine(t)
	machine.logIn(testregistry.User{Name: "alice", Password: "alice-secret"}, nowhere)
	machine.trust(builder)
	args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}
	machine.run(append([]string{"build"}, args...)...).wantCode(t, 1)
	machine.run("config", "registry-mirrors", "add", nowhere, "--mirror", proxy.Addr+"/mirror").wantCode(t, 0)
	result, out := machine.build(args...)
	out.wantStderr(t, "Using mirror "+proxy.Addr+"/mirror/samples/moved-builder", "Using mirror "+proxy.Addr+"/mirror/samples/tiny-run")
	if !result.Builder.Trusted || !strings.HasPrefix(result.RunImage, proxy.Addr+"/mirror/samples/tiny-run@") {
		t.Errorf("the builder is %+v, the run image %s", result.Builder, result.RunImage)
	}
	count := 0
	for path, authorization := range asked.Range {
		count++
		if authorization != "" {
			t.Errorf("the mirror got a credential with %s", path)
		}
	}
	if count == 0 {
		t.Error("the mirror was not asked")
	}
	out.wantNoSecret(t)
}

// TestRunImageMirrors prefers the user's mirrors of a run image.
func TestRunImageMirrors(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.ref("moved-builder")
	reg.movedBuilder(t, builder)
	machine := newMachine(t)
	machine.run("config", "run-image-mirrors", "add", nowhere+"/samples/tiny-run", "-m", "other.invalid/run", "-m", reg.ref("samples/tiny-run")).wantCode(t, 0)
	result, _ := machine.build(reg.ref("app"), "--builder", builder, "--path", newApp(t, nil, nil).dir, "--publish")
	if !strings.HasPrefix(result.RunImage, reg.ref("samples/tiny-run@")) {
		t.Errorf("the run image is %s", result.RunImage)
	}
	out := machine.run("builder", "inspect", builder)
	out.wantCode(t, 0)
	wantLines(t, out.stdout, "Run Images:\n  "+reg.ref("samples/tiny-run")+" (user-configured)\n  other.invalid/run (user-configured)\n  "+nowhere+"/samples/tiny-run\n")
}

// TestRunImageLabel reads what the label of an app image says that its run image
// is called, which is what `pack rebase` goes by: the image of --run-image, as
// with pack, but not a mirror of the user's.
func TestRunImageLabel(t *testing.T) {
	t.Parallel()
	for _, platformAPI := range []string{"0.11", "0.15"} {
		t.Run(platformAPI, func(t *testing.T) {
			t.Parallel()
			reg := newRegistry(t, testregistry.Options{})
			builder := reg.tiny(t, func(o *samples.Options) { o.PlatformAPIs = []string{platformAPI} })
			run, other := reg.ref("samples/tiny-run"), reg.otherRun(t, "other-run")
			app := newApp(t, nil, nil)
			machine := newMachine(t)
			for _, step := range []struct {
				name, based, label string
				args               []string
			}{
				{"the builder's", run, run, nil},
				{"named", other, other, []string{"--run-image", other}},
				{"a mirror of the user's", other, run, nil},
			} {
				if step.name == "a mirror of the user's" {
					machine.run("config", "run-image-mirrors", "add", run, "--mirror", other).wantCode(t, 0)
				}
				result, _ := machine.build(append([]string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}, step.args...)...)
				if !strings.HasPrefix(result.RunImage, step.based+"@") {
					t.Errorf("%s: the run image is %s", step.name, result.RunImage)
				}
				config, err := reg.image(t, reg.ref("app")).ConfigFile()
				if err != nil {
					t.Fatal(err)
				}
				wantLines(t, config.Config.Labels["io.buildpacks.lifecycle.metadata"], `"image":"`+step.label+`"`)
			}
		})
	}
}

// TestRunImageOfOtherStack builds with a run image that says to be of another
// stack than the builder, which pack warns of and takes.
func TestRunImageOfOtherStack(t *testing.T) {
	t.Parallel()
	for _, platformAPI := range []string{"0.11", "0.15"} {
		t.Run(platformAPI, func(t *testing.T) {
			t.Parallel()
			reg := newRegistry(t, testregistry.Options{})
			builder := reg.tiny(t, func(o *samples.Options) { o.PlatformAPIs = []string{platformAPI} })
			reg.change(t, reg.ref("samples/tiny-run"), reg.ref("other-run"), func(config *v1.ConfigFile) {
				config.Config.Labels["io.buildpacks.stack.id"] = "acme.stacks.other"
			})
			result, _ := newMachine(t).build(reg.ref("app"), "--builder", builder, "--path", newApp(t, nil, nil).dir, "--publish", "--run-image", reg.ref("other-run"))
			if !strings.HasPrefix(result.RunImage, reg.ref("other-run@")) {
				t.Errorf("the run image is %s", result.RunImage)
			}
		})
	}
}

// TestBuilderInspect looks at a builder, on a machine without any daemon.
func TestBuilderInspect(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	machine := newMachine(t, "DOCKER_HOST=unix:///nonexistent")
	machine.run("builder", "inspect").wantCode(t, 2)
	machine.run("config", "default-builder", reg.ref("samples/tiny-run")).wantCode(t, 1)
	machine.run("config", "default-builder", builder).wantCode(t, 0)
	out := machine.run("builder", "inspect")
	out.wantCode(t, 0)
	wantLines(t, out.stdout,
		"Default builder: "+builder+"\n", "Digest: "+reg.digest(t, builder)+"\n", "Created: 1980-01-01T00:00:01Z\n", "Platform: linux/",
		"Trusted: No, neither a known builder nor listed in ~/.pack/config.toml\n",
		"Description: busybox and buildpacks that do what a test asks for\n", "Created By: pack-cache samples 1\n",
		"  Platform APIs:\n    Deprecated: ", "0.15\n", "Run Images:\n  "+reg.ref("samples/tiny-run")+"\n",
		"samples/flags ", " 1.0.0 ", "Detection Order:\n  └ Group #1:\n     ├ samples/flags@1.0.0\n", "     ├ samples/make@1.0.0 (optional)\n")
	machine.trust(builder)
	out = machine.run("builder", "inspect", builder+":latest", "--output", "json")
	out.wantCode(t, 0)
	var info platform.BuilderInfo
	if err := json.Unmarshal([]byte(out.stdout), &info); err != nil {
		t.Fatal(err)
	}
	if !info.Trusted || info.Default || len(info.Remote.Buildpacks) != 5 || len(info.Remote.Order) != 1 || info.Remote.Lifecycle.Version == "" {
		t.Errorf("got %s", out.stdout)
	}
	_, built := machine.build(reg.ref("app"), "--path", newApp(t, nil, nil).dir, "--publish")
	built.wantStderr(t, "Builder "+builder+"@")
	machine.run("builder", "inspect", reg.ref("samples/tiny-run")).wantStderr(t, "not a builder", "HINT: ")
}
