package acceptance

import (
	"bytes"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/pack-cache/pack-cache/internal/test/samples/runapp"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestAppStarts starts the processes of an app image through the launcher.
func TestAppStarts(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"legacy": ""}, nil)
	newMachine(t).build(reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish")
	img := reg.image(t, reg.ref("app"))
	for _, test := range []struct {
		process string
		args    []string
		has     []string
		not     []string
	}{
		{
			process: defaultProcess,
			has: []string{
				"hello from tiny\n", "from layer only-launch\n", // what the process does, a program of a layer
				"\nFLAGS_LAUNCH=launch\n", "\nFLAGS_BOTH=both\n", "\nFLAGS_WEB=web\n", // env.launch, env, of this process
				"\nFLAGS_DEFAULT=default\n", "\nFLAGS_APPENDED=launch-build-cache:only-launch\n", "\nFLAGS_PREPENDED=only-launch,launch-build-cache\n",
				"\nFLAGS_EXECD=all\n", "\nFLAGS_EXECD_WEB=web\n", // exec.d
				"\nPWD=/workspace\n",
			},
			not: []string{"FLAGS_BUILD", "LEGACY_PROFILE"},
		},
		{
			process: "elsewhere",
			has:     []string{"/tmp\n", "\nFLAGS_LAUNCH=launch\n", "\nFLAGS_EXECD=all\n"},
			not:     []string{"FLAGS_WEB", "FLAGS_EXECD_WEB"},
		},
		{process: "arguments", has: []string{"always by default\n"}},
		{process: "arguments", args: []string{"as", "asked"}, has: []string{"always as asked\n"}},
		{process: "legacy", has: []string{"legacy: by the profile script\n"}},
		{process: "legacy-direct", has: []string{"legacy: $LEGACY_PROFILE\n"}},
		{process: "launcher", args: []string{"cat", "hello.txt"}, has: []string{"hello\n"}},
	} {
		t.Run(strings.Join(append([]string{test.process}, test.args...), " "), func(t *testing.T) {
			t.Parallel()
			output := start(t, img, test.process, test.args...)
			wantLines(t, output, test.has...)
			wantNoLines(t, output, test.not...)
		})
	}
}

// defaultProcess is what an app image starts when it is not asked for anything.
const defaultProcess = "default"

// start runs a process of an app image and returns its output.
func start(t *testing.T, img v1.Image, process string, args ...string) string {
	t.Helper()
	if process != defaultProcess {
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		other := config.Config
		other.Entrypoint = []string{"/cnb/process/" + process}
		if process == "launcher" {
			other.Entrypoint = []string{"/cnb/lifecycle/launcher"}
		}
		if img, err = mutate.Config(img, other); err != nil {
			t.Fatal(err)
		}
	}
	var output bytes.Buffer
	if err := runapp.Run(t.Context(), engine, img, args, &output, &output); err != nil {
		t.Fatalf("process %q: %v\n%s", process, err, &output)
	}
	return output.String()
}
