package acceptance

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/samples"
	"github.com/pack-cache/pack-cache/internal/testregistry"
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
func TestExtensions(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, withExtensions)
	app := newApp(t, extended, nil)
	for _, on := range daemonGrounds(t) {
		t.Run(on.name, func(t *testing.T) {
			before := on.left(t)
			image := reg.ref("app-" + on.name)
			result, out := on.machine(t).build(image, "--builder", builder, "--path", app.dir, "--publish")
			out.wantStderr(t, "build: run: 0\n", "build: run: 1000:1000\n", "/opt/extended:/bin:/usr/bin\n", "build: run: 1000\n", "build: run: build-file\n")
			out.wantNoStderr(t, "build: run: run-file")
			if diff := cmp.Diff(before, on.left(t)); diff != "" {
				t.Errorf("something is left (-before +after):\n%s", diff)
			}
			img := reg.image(t, image)
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
			if on.name != "docker" {
				return
			}
			again, _ := on.machine(t).build(image, "--builder", builder, "--path", app.dir, "--publish")
			if again.Digest != result.Digest {
				t.Errorf("the same again is image %s instead of %s", again.Digest, result.Digest)
			}
		})
	}
}
