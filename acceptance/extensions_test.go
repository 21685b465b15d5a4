package acceptance

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/internal/test/samples"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// extended are Dockerfiles that leave a file each, as root, where only root may
// write.
var extended = map[string]string{
	"build.Dockerfile": "ARG base_image\nFROM ${base_image}\nARG user_id\nARG group_id\nUSER root\nENV PATH=/opt/extended:${PATH}\n" +
		"RUN id -u > /opt/build-file && echo \"$user_id:$group_id\" >> /opt/build-file\nUSER ${user_id}:${group_id}\n",
	"run.Dockerfile": "ARG base_image\nFROM ${base_image}\nARG user_id=1\nARG group_id=1\nARG greeting\nUSER root\n" +
		"LABEL io.buildpacks.rebasable=true\nENV RUN_EXTENDED=yes\nCOPY given /opt/given\n" +
		"RUN echo \"$greeting from $(id -u)\" > /opt/run-file\nUSER ${user_id}:${group_id}\n",
	"extend-config.toml":  "[[run.args]]\nname = \"greeting\"\nvalue = \"hello\"\n",
	"context.run/given":   "from the context\n",
	"context.run/another": "",
	"build-run":           "cat /opt/build-file; echo $PATH; id -u; ls /opt",
}

// withExtensions has a builder with image extensions made.
func withExtensions(o *samples.Options) { o.Extensions = true }

// TestExtensions builds with image extensions: the buildpacks see what one has
// put into the build image, and the app what another has put into the run image.
// Nothing is left in the daemon, also of a build that is interrupted.
func TestExtensions(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, withExtensions)
	app := newApp(t, extended, nil)
	slow := newApp(t, map[string]string{
		"build.Dockerfile": "ARG base_image\nFROM ${base_image}\nUSER root\nRUN echo > /opt/first\nRUN echo asleep && sleep 600\n",
	}, nil)
	ownDaemons(t, func(t *testing.T, on ground) {
		image := reg.ref("app-" + on.name)
		args := func(dir string) []string { return []string{image, "--builder", builder, "--path", dir, "--publish"} }
		result, out := on.machine(t).build(args(app.dir)...)
		out.wantStderr(t, "build: run: 0\n", "build: run: 1000:1000\n", "/opt/extended:/bin:/usr/bin\n", "build: run: 1000\n", "build: run: build-file\n")
		out.wantNoStderr(t, "build: run: run-file")
		on.wantNothingOfPlaces(t)
		wantExtended(t, reg.image(t, image))

		build := on.machine(t).start(append([]string{"build"}, args(slow.dir)...)...)
		build.awaitLog("[extend (build)] asleep\n")
		build.interrupt(syscall.SIGINT)
		build.wait().wantCode(t, 130)
		on.wantNothingOfPlaces(t)

		again, _ := on.machine(t).build(args(app.dir)...)
		if again.Digest != result.Digest {
			t.Errorf("the same again is image %s instead of %s", again.Digest, result.Digest)
		}
	})
}

// wantExtended fails unless an app image has what extended asks for.
func wantExtended(t *testing.T, img v1.Image) {
	t.Helper()
	output := start(t, img, "launcher", "sh", "-c", "cat /opt/run-file /opt/given; echo $RUN_EXTENDED; id -u; ls /opt")
	if want := "hello from 0\nfrom the context\nyes\n1000\ngiven\nrun-file\n"; output != want {
		t.Errorf("the app says %q instead of %q", output, want)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if got := config.Config.Labels["io.buildpacks.rebasable"]; got != "true" {
		t.Errorf("rebasable is %q", got)
	}
	for label, value := range config.Config.Labels {
		if strings.Contains(label+value, "pack-cache-") || label == "io.buildpacks.pack-cache" {
			t.Errorf("label %s: %s", label, value)
		}
	}
}

// wantNothingOfPlaces fails if the daemon has something of what goes with a build,
// also what has no name.
func (g ground) wantNothingOfPlaces(t *testing.T) {
	t.Helper()
	if left := g.left(t); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	var unnamed bytes.Buffer
	filter := url.QueryEscape(`{"label":["io.buildpacks.pack-cache"]}`)
	if err := g.daemon.Get(t.Context(), "/v1.41/images/json?all=1&filters="+filter, &unnamed); err != nil {
		t.Fatal(err)
	}
	if left := strings.TrimSpace(unnamed.String()); left != "[]" && left != "null" {
		t.Errorf("images are left: %s", left)
	}
}

// otherRun pushes another run image: the tiny one with a variable.
func (r *registry) otherRun(t *testing.T, repository string) string {
	t.Helper()
	img := r.image(t, r.ref("samples/tiny-run"))
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config.Config.Env = append(config.Config.Env, "OTHER="+repository)
	other, err := mutate.Config(img, config.Config)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(r.ref(repository))
	if err != nil {
		t.Fatal(err)
	}
	err = remote.Write(ref, other, remote.WithContext(t.Context()), remote.WithAuthFromKeychain(r.keychain), remote.WithTransport(r.Transport()))
	if err != nil {
		t.Fatal(err)
	}
	return r.ref(repository)
}

// TestExtensionsSwitchRunImage has image extensions choose the run image. An
// untrusted builder cannot choose with the user's credentials, and Dockerfiles
// see none of them.
func TestExtensionsSwitchRunImage(t *testing.T) {
	t.Parallel()
	everyone := testregistry.User{May: map[string][]string{"open-run": {"pull"}, "*": {}}}
	reg := newRegistry(t, testregistry.Options{Auth: testregistry.Token, TLS: true, Users: []testregistry.User{alice, everyone}})
	builder := reg.tiny(t, withExtensions)
	private, public := reg.otherRun(t, "private-run"), reg.otherRun(t, "open-run")
	on := daemonGrounds(t)[0]
	machine := func() (*machine, secrets) {
		m := on.machine(t)
		m.believe(reg)
		m.logIn(alice, reg.Addr)
		m.env = append(m.env, "CNB_REGISTRY_AUTH="+object(map[string]string{reg.Addr: "Basic " + basic(alice)}))
		return m, append(reg.secrets(t), m.canaries()...)
	}
	switching := func(to, more string) map[string]string {
		return map[string]string{"run.Dockerfile": "FROM " + to + "\n" + more}
	}
	image := reg.ref("app")
	args := func(settings map[string]string) []string {
		return []string{image, "--builder", builder, "--path", newApp(t, settings, nil).dir}
	}
	t.Run("untrusted, to a private image", func(t *testing.T) {
		m, _ := machine()
		out := m.run(append([]string{"build", "--publish"}, args(switching(private, ""))...)...)
		out.wantStderr(t, "want run image "+private+", which is not public", "trust the builder")
		if out.code == 0 {
			t.Error("it was built")
		}
	})
	t.Run("untrusted, to a public image", func(t *testing.T) {
		m, _ := machine()
		result, _ := m.build(append(args(switching(public, "")), "--publish")...)
		wantBase(t, result.RunImage, public, reg.image(t, image), "open-run")
	})
	t.Run("trusted, with a probe", func(t *testing.T) {
		m, hidden := machine()
		m.trust(builder)
		probe := "COPY bp-config/probe /opt/app/bp-config/probe\n" +
			"RUN cd /opt/app && export CNB_BUILDPACK_DIR=/opt/probe && sh /opt/probe/lib/probe.sh && rm -r /opt/app\n"
		settings := switching(private, "ARG user_id\nUSER root\nCOPY lib /opt/probe/lib\n"+probe+"USER ${user_id}\n")
		settings["build.Dockerfile"] = "ARG base_image\nFROM ${base_image}\nARG user_id\nUSER root\n" +
			"RUN mkdir /opt/probe && cp -R /cnb/buildpacks/samples_behave/1.0.0/lib /opt/probe/\n" + probe + "USER ${user_id}\n"
		settings["probe"] = hidden.probe()
		app := newApp(t, settings, probeFiles(t))
		result, out := m.build(append(args(nil)[:3:3], "--path", app.dir, "--publish")...)
		wantBase(t, result.RunImage, private, reg.image(t, image), "private-run")
		out.wantStderr(t, "[extend (build)] probe: done, ", "[extend (run)] probe: done, ")
		out.wantNoStderr(t, "probe: FOUND")
		hidden.wantNone(t, "log", strings.NewReader(out.stderr))
	})
	t.Run("in the daemon", func(t *testing.T) {
		m, _ := machine()
		m.trust(builder)
		result, _ := m.build(args(switching(private, "ARG user_id\nUSER root\nRUN echo more > /opt/more\nUSER ${user_id}\n"))...)
		if !strings.HasPrefix(result.RunImage, private+"@") {
			t.Errorf("the run image is %s", result.RunImage)
		}
		output := on.docker(t, nil, "run", "--rm", "--network", "none", "--entrypoint", "launcher", image, "sh", "-c", "cat /opt/more; echo $OTHER")
		if output != "more\nprivate-run\n" {
			t.Errorf("the app says %q", output)
		}
	})
}

// wantBase fails unless an app image is based on a run image.
func wantBase(t *testing.T, used, wanted string, img v1.Image, other string) {
	t.Helper()
	if !strings.HasPrefix(used, wanted+"@") {
		t.Errorf("the run image is %s instead of %s", used, wanted)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if md := config.Config.Labels["io.buildpacks.lifecycle.metadata"]; !strings.Contains(md, `"image":"`+wanted+`"`) {
		t.Errorf("the metadata does not name %s: %s", wanted, md)
	}
	if env := strings.Join(config.Config.Env, "\n"); !strings.Contains(env, "OTHER="+other) {
		t.Errorf("the app image is based on something else: %s", env)
	}
}

// probeFiles are the program that looks for secrets, as files of an application.
func probeFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"probe.sh", "settings.sh"} {
		content, err := os.ReadFile(filepath.Join("../internal/test/samples/buildpacks/tiny/lib", name))
		if err != nil {
			t.Fatal(err)
		}
		files["lib/"+name] = string(content)
	}
	return files
}
