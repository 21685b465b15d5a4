package acceptance

import (
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/testregistry"
)

// TestEnvFile has a build read environment files as people write them.
func TestEnvFile(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"build-run": `env | grep -A1 "^T_" | sort`}, nil)
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
	for _, want := range []string{"T_FIRST=1", "T_EXPORTED=2", "T_SPACE=3", "T_MULTI=line one", "line two", `T_SINGLE=$x "`, "T_HERE=from here", "T_LAST=$HOME"} {
		if !strings.Contains(out.stderr, "run: "+want+"\n") {
			t.Errorf("%s did not arrive", want)
		}
	}
}
