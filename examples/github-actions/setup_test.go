// Package actions tests the action that is an example here, with node alone.
package actions

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testneeds"
)

// node runs a script with an environment, and returns what it said.
func node(t *testing.T, env []string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		testneeds.Missing(t, "%v", err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// TestExpose gives the variables of a job to the steps that follow.
func TestExpose(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "env")
	said := node(t, []string{
		"GITHUB_ENV=" + file, "INPUT_APPARMOR=false", "ACTIONS_RUNTIME_TOKEN=secret-token", "ACTIONS_RESULTS_URL=https://results.example.com/",
		"ACTIONS_CACHE_SERVICE_V2=True", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=another-token", "HOME=/",
	}, "setup/index.js")
	if said != "::add-mask::secret-token\n" {
		t.Errorf("it said %q", said)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := parse(t, string(content)), "ACTIONS_RESULTS_URL=https://results.example.com/ ACTIONS_RUNTIME_TOKEN=secret-token ACTIONS_CACHE_SERVICE_V2=True"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestNoToken says that there is no cache service where nothing tells of one; the
// URL of act needs no token.
func TestNoToken(t *testing.T) {
	t.Parallel()
	for url, warns := range map[string]bool{"": true, "http://127.0.0.1:1/secret/": false} {
		env := []string{"GITHUB_ENV=" + filepath.Join(t.TempDir(), "env"), "INPUT_APPARMOR=false"}
		if url != "" {
			env = append(env, "ACTIONS_CACHE_URL="+url)
		}
		if said := node(t, env, "setup/index.js"); strings.Contains(said, "::warning::") != warns {
			t.Errorf("with the URL %q it said %q", url, said)
		}
	}
}

// parse reads the file in which steps set variables, as the runner does.
func parse(t *testing.T, text string) string {
	t.Helper()
	var all []string
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for len(lines) > 0 {
		name, end, ok := strings.Cut(lines[0], "<<")
		if !ok || len(lines) < 3 || lines[2] != end {
			t.Fatalf("not a variable: %q", lines)
		}
		all = append(all, name+"="+lines[1])
		lines = lines[3:]
	}
	return strings.Join(all, " ")
}

// TestProfile loads an AppArmor profile where the kernel asks for one.
func TestProfile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("sudo", "#!/bin/sh\nprintf '%s\\n' \"$*\" >"+dir+"/arguments\ncat >"+dir+"/profile\n", 0o755)
	write("pack-cache", "#!/bin/sh\n", 0o755)
	restricted, free := write("restricted", "1\n", 0o644), write("free", "0\n", 0o644)
	const script = `require(process.argv[1]).allowNamespaces(process.argv[2], process.env, process.argv[3])`
	index, err := filepath.Abs("setup/index.js")
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
	run := func(program, setting string) string { return node(t, env, "-e", script, index, program, setting) }

	for _, setting := range []string{free, filepath.Join(dir, "missing")} {
		if said := run("pack-cache", setting); said != "" {
			t.Errorf("it said %q", said)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "profile")); err == nil {
		t.Error("a profile was loaded for nothing")
	}
	if said := run("pack-cache", restricted); !strings.Contains(said, "may use user namespaces") {
		t.Errorf("it said %q", said)
	}
	arguments, _ := os.ReadFile(filepath.Join(dir, "arguments"))
	profile, _ := os.ReadFile(filepath.Join(dir, "profile"))
	if string(arguments) != "-n apparmor_parser --replace\n" ||
		!bytes.Contains(profile, []byte(`profile pack-cache "`+dir+`/pack-cache" flags=(unconfined) {`+"\n  userns,\n}")) {
		t.Errorf("loaded with %q:\n%s", arguments, profile)
	}
	write("sudo", "#!/bin/sh\necho a password is required >&2\nexit 1\n", 0o755)
	if said := run("pack-cache", restricted); !strings.Contains(said, "::warning::") || !strings.Contains(said, "a password is required") {
		t.Errorf("it said %q", said)
	}
	if said := run("no-such-program", restricted); !strings.Contains(said, "::warning::There is no no-such-program") {
		t.Errorf("it said %q", said)
	}
}
