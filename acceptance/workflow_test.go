package acceptance

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testran"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

// TestWorkflow has act run the workflow of examples/github-actions twice, each time
// with a runner that has nothing but the cache service of the time before: its steps,
// the action in examples/github-actions/setup, and what they hand to each other. Not
// run are the step that compiles pack-cache and the login: the program is here, and
// the registry open.
func TestWorkflow(t *testing.T) {
	t.Parallel()
	installed(t, "node")
	installed(t, "git")
	testran.Against(t, testran.Row{
		Subject: "GitHub Actions", Peer: "act", Version: testran.Module(t, "act-runner", "github.com/nektos/act"),
		Done: "runs the workflow in examples/github-actions, without its steps that compile and log in, on this machine: cold and warm, with act's cache service",
	})
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, map[string]string{"src/a": "a"})
	text, err := os.ReadFile("../examples/github-actions/workflow.yml")
	if err != nil {
		t.Fatal(err)
	}
	workflow := string(text)
	for _, change := range [][2]string{
		{`(?s)(Install pack-cache\n        run: \|\n).*?\n\n`, "$1          mkdir \"$$RUNNER_TEMP/bin\"\n          ln -s " + binary + " \"$$RUNNER_TEMP/bin/pack-cache\"\n          echo \"$$RUNNER_TEMP/bin\" >>\"$$GITHUB_PATH\"\n\n"},
		{`(?s)      - name: Log in\n.*?\n\n`, ""},
		{`IMAGE: .*`, "IMAGE: " + reg.ref("app")},
		{`BUILDER: .*`, "BUILDER: " + builder},
	} {
		before := workflow
		if workflow = regexp.MustCompile(change[0]).ReplaceAllString(before, change[1]); workflow == before {
			t.Fatalf("the workflow has no %s", change[0])
		}
	}
	app.write(".github/workflows/workflow.yml", workflow)
	git := func(args ...string) {
		tool(t, "git", append([]string{"-C", app.dir, "-c", "user.name=test", "-c", "user.email=test@example.com"}, args...)...)
	}
	git("init", "--quiet", "--initial-branch", "main")
	git("add", ".")
	git("commit", "--quiet", "--message", "first")

	source, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	service := openDir(t)
	for _, says := range []string{" saved as sha256:", "Cache: 6 of 6 layers restored"} {
		home := openDir(t)
		cmd := exec.CommandContext(t.Context(), testservers.Find(t, "act-runner"), "push", "--platform", "ubuntu-24.04=-self-hosted",
			"--local-repository", "pack-cache/pack-cache@main="+source, "--action-offline-mode",
			"--cache-server-path", service, "--cache-server-addr", "127.0.0.1")
		cmd.Dir = app.dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CACHE_HOME=" + home + "/.cache"}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("act: %v\n%s", err, out)
		}
		wantLines(t, string(out), says, "Success - Main Set up pack-cache", "Job succeeded")
		if strings.Contains(string(out), "::warning::") {
			t.Errorf("a step warns:\n%s", out)
		}
	}
}
