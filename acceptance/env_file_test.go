package acceptance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestEnvFile has a build read environment files as people write them.
func TestEnvFile(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{
		"detect-run": `env | grep "^T_FIRST=" > seen`, "build-run": `env | grep -A1 "^T_" | sort; sed "s/^/in detect /" seen`,
	}, nil)
	for name, text := range map[string]string{
		"a blank in a name": "T_A=1\nT B=2\n",
		"no closing quote":  "T_A=1\nT_B=\"hidden-secret\n",
		"a line of a value": "T_A=-----BEGIN\nhidden+secret/\n",
		"not UTF-8":         "T_A=1\nT_B=\xff\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.write("vars.env", text, 0o644)
			out := m.run("build", reg.ref("refused"), "--path", app.dir, "--builder", builder, "--env-file", m.home+"/vars.env", "--publish")
			out.wantCode(t, 2)
			out.wantStderr(t, "--env-file "+m.home+"/vars.env: line 2: ", "HINT: write NAME=VALUE")
			out.wantNoStderr(t, "hidden")
		})
	}
	m := newMachine(t, "T_HERE=from here")
	m.write("vars.env", "\ufeffT_FIRST=1\r\nexport T_EXPORTED=2\nT_SPACE = 3 # three\nT_MULTI=\"line one\nline two\"\nT_SINGLE='$x \"'\nT_HERE\nT_LAST=$HOME\n", 0o644)
	out := m.run("build", reg.ref("app"), "--path", app.dir, "--builder", builder, "--trust-builder", "--env-file", m.home+"/vars.env", "--publish")
	out.wantCode(t, 0)
	for _, want := range []string{"T_FIRST=1", "T_EXPORTED=2", "T_SPACE=3", "T_MULTI=line one", "line two", `T_SINGLE=$x "`, "T_HERE=from here", "T_LAST=$HOME", "in detect T_FIRST=1"} {
		if !strings.Contains(out.stderr, "run: "+want+"\n") {
			t.Errorf("%s did not arrive", want)
		}
	}
}

// TestEnvironmentBounds gives builds as much as Linux passes to a buildpack, and
// more, which is said before anything is built.
func TestEnvironmentBounds(t *testing.T) {
	t.Parallel()
	const most = 128<<10 - len("T_LARGE=") - 1
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"build-run": `printf %s "$T_LARGE" | wc -c`}, nil)
	many := ""
	for i := range 20 {
		many += fmt.Sprintf("T_%d=%s\n", i, strings.Repeat("x", 100_000))
	}
	project := func(size int) string {
		return fmt.Sprintf("[_]\nschema-version = \"0.2\"\n[[io.buildpacks.build.env]]\nname = \"T_LARGE\"\nvalue = %q\n", strings.Repeat("x", size))
	}
	for name, test := range map[string]struct {
		flag, content string
		code          int
		says          string
	}{
		"most":            {"--env-file", "T_LARGE=" + strings.Repeat("x", most), 0, fmt.Sprintf("run: %d\n", most)},
		"one more":        {"--env-file", "T_LARGE=" + strings.Repeat("x", most+1), 2, "environment variable T_LARGE has 131064 bytes"},
		"in project.toml": {"--descriptor", project(most + 1), 2, "environment variable T_LARGE has 131064 bytes"},
		"many":            {"--env-file", many, 2, "all environment variables together have 2000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.write("file", test.content, 0o644)
			out := m.run("build", reg.ref("app-"+strings.ReplaceAll(name, " ", "-")), "--path", app.dir, "--builder", builder, test.flag, "file", "--publish")
			out.wantCode(t, test.code)
			out.wantStderr(t, test.says)
			if test.code != 0 {
				out.wantStderr(t, "HINT: put it into a file")
				out.wantNoStderr(t, "ANALYZING", "xxxx")
			}
		})
	}
}
