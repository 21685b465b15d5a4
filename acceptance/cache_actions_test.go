package acceptance

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testactions"
	"github.com/pack-cache/pack-cache/internal/test/testfaults"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

// job is a machine with the variables of a job of GitHub Actions. Its token is a
// secret.
type job struct {
	*machine
	token string
}

// newJob starts a job of a run. v2 is the value of ACTIONS_CACHE_SERVICE_V2.
func newJob(t *testing.T, front *testactions.Front, run testactions.Run, v2 string, env ...string) job {
	token := front.Token(run)
	m := newMachine(t, "GITHUB_ACTIONS=true", "GITHUB_REPOSITORY="+run.Repository, "GITHUB_API_URL="+strings.TrimRight(front.URL, "/"),
		"ACTIONS_CACHE_SERVICE_V2="+v2, "ACTIONS_RESULTS_URL="+front.URL, "ACTIONS_CACHE_URL="+front.URL, "ACTIONS_RUNTIME_TOKEN="+token)
	m.env = append(m.env, env...)
	return job{m, token}
}

// runStep is a machine that has of a job what a step of type run sees, after the
// action in examples/github-actions.
func (j job) runStep() *machine {
	j.t.Helper()
	file := filepath.Join(openDir(j.t), "env")
	cmd := exec.CommandContext(j.t.Context(), "node", "../examples/github-actions/setup/index.js")
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "GITHUB_ENV=" + file, "INPUT_APPARMOR=false"}, j.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		j.t.Fatalf("%v\n%s", err, out)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		j.t.Fatal(err)
	}
	m := newMachine(j.t)
	// NAME<<END, the value, END
	for lines := range slices.Chunk(strings.Split(strings.TrimSpace(string(content)), "\n"), 3) {
		name, _, _ := strings.Cut(lines[0], "<<")
		m.env = append(m.env, name+"="+lines[1])
	}
	return m
}

// Refs of a repository, as their runs see them.
var (
	mainRef   = []string{"refs/heads/main"}
	branchRef = []string{"refs/heads/branch", "refs/heads/main"}
)

// TestActions builds in jobs that have nothing in common but the cache service:
// on main, on main again, and on a branch, whose cache main does not see.
func TestActions(t *testing.T) {
	t.Parallel()
	front := testactions.New(t, testactions.InAzurite(t))
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, map[string]string{"src/a": "a", "src/b": "b"})
	args := func(more ...string) []string {
		return append([]string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}, more...)
	}
	onMain := testactions.Run{Repository: "team/app", Refs: mainRef}
	onBranch := testactions.Run{Repository: "team/app", Refs: branchRef}
	both := args("--import-cache", "type=gha", "--export-cache", "type=gha")

	cold := newJob(t, front, onMain, "true").runStep()
	_, out := cold.build(both...)
	name := "gha:" + strings.TrimSuffix(reg.ref("app"), ":latest")
	out.wantStderr(t, "Cache "+name+": nothing is kept there yet", "make: rebuilt 2 of 2", "Cache "+name+" saved as sha256:")
	entries := front.Entries("team/app")
	if len(entries) != 1 {
		t.Errorf("a cache of %d small layers has %d entries, want 1: %+v", 6, len(entries), entries)
	}

	result, out := newJob(t, front, onMain, "true").build(both...)
	out.wantStderr(t, "make: rebuilt 0 of 2", "Cache "+name+" is as it was")
	if got := layerOf(t, result, "samples/make:objects"); got.From != name || got.Sent != 0 {
		t.Errorf("the layer is not from the cache: %+v", got)
	}
	if diff := cmp.Diff(entries, front.Entries("team/app"), cmp.AllowUnexported(testactions.Entry{})); diff != "" {
		t.Errorf("an unchanged build changed the cache (-before +after):\n%s", diff)
	}

	// The branch sees main's, and saves its own.
	app.write("src/c", "c")
	_, out = newJob(t, front, onBranch, "true").build(both...)
	out.wantStderr(t, "make: rebuilt 1 of 3")
	_, out = newJob(t, front, onBranch, "true").build(both...)
	out.wantStderr(t, "make: rebuilt 0 of 3")
	_, out = newJob(t, front, onMain, "true").build(args("--import-cache", "type=gha")...)
	out.wantStderr(t, "make: rebuilt 1 of 3")

	// A branch may have a name of its own, and fall back to main's.
	onOther := testactions.Run{Repository: "team/app", Refs: []string{"refs/heads/other", "refs/heads/main"}}
	result, out = newJob(t, front, onOther, "true").build(args(
		"--import-cache", "type=gha,scope=other", "--import-cache", "type=gha", "--export-cache", "type=gha,scope=other")...)
	out.wantStderr(t, "Cache gha:other: nothing is kept there yet", "make: rebuilt 1 of 3", "Cache gha:other saved as")
	if got := layerOf(t, result, "samples/flags:only-cache"); got.From != name {
		t.Errorf("the layer is not from main's cache: %+v", got)
	}

	// What there is can be looked at and deleted.
	m := newJob(t, front, onOther, "true")
	cache := func(args ...string) string {
		out := m.run(append([]string{"cache"}, args...)...)
		out.wantCode(t, 0)
		return out.stdout
	}
	const rest = "type=gha,ghtoken=" + testactions.GitHubToken
	cache("verify", "type=gha,scope=other")
	wantLines(t, cache("list", rest), "other", strings.TrimPrefix(name, "gha:"))
	cache("prune", rest+",scope=other", "--keep", "0")
	left := cache("list", rest)
	wantLines(t, left, strings.TrimPrefix(name, "gha:"))
	wantNoLines(t, left, "other")
	refused := m.run("cache", "list", "type=gha")
	refused.wantStderr(t, "there is no GitHub token", "actions: write")
}

// TestActionsRefused has the service, or the run's variables, say no: a build goes
// on without, and says why.
func TestActionsRefused(t *testing.T) {
	t.Parallel()
	front := testactions.New(t, nil)
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, map[string]string{"src/a": "a"})
	args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish",
		"--import-cache", "type=gha,scope=app", "--export-cache", "type=gha,scope=app"}
	main := testactions.Run{Repository: "team/app", Refs: mainRef}
	fork := testactions.Run{Repository: "team/app", Refs: []string{"refs/pull/1/merge", "refs/heads/main"}}
	newJob(t, front, main, "true").build(args...)
	app.write("src/b", "b")
	before := front.Entries("team/app")

	readOnly, downgraded, nothing := fork, fork, fork
	readOnly.ReadOnly, downgraded.Downgraded, nothing.Nothing = true, true, true
	for _, test := range []struct {
		name string
		run  testactions.Run
		env  string
		says []string
	}{
		{"fork", readOnly, "", []string{"make: rebuilt 1 of 2", "cache gha:app was not saved:", "the job's token is for reading only"}},
		{"downgraded", downgraded, "", []string{"make: rebuilt 1 of 2", "cache write denied: the token is read-only for this event"}},
		{"no scopes", nothing, "", []string{"make: rebuilt 2 of 2", "cache gha:app is not used:", "cache read denied: the token has no readable cache scopes"}},
		{"mode read", main, "ACTIONS_CACHE_MODE=read", []string{"make: rebuilt 1 of 2", "cache gha:app was not saved:", "ACTIONS_CACHE_MODE is read"}},
		{"mode none", main, "ACTIONS_CACHE_MODE=none", []string{"make: rebuilt 2 of 2", "cache gha:app is not used:", "ACTIONS_CACHE_MODE is none"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			j := newJob(t, front, test.run, "true", test.env)
			_, out := j.build(args...)
			out.wantStderr(t, test.says...)
			out.wantNoStderr(t, j.token)
			if diff := cmp.Diff(before, front.Entries("team/app"), cmp.AllowUnexported(testactions.Entry{})); diff != "" {
				t.Errorf("the cache has changed:\n%s", diff)
			}
		})
	}
	t.Run("required", func(t *testing.T) {
		out := newJob(t, front, readOnly, "true").run(append([]string{"build", "--cache-required"}, args...)...)
		out.wantCode(t, 3)
	})
	t.Run("outside", func(t *testing.T) {
		_, out := newMachine(t).build(args...)
		out.wantStderr(t, "Cache gha:app: ACTIONS_CACHE_URL and ACTIONS_RUNTIME_TOKEN are not set", "cache gha:app was not saved:", "docs/github-actions.md")
		out = newMachine(t).run(append([]string{"build", "--cache-required"}, args...)...)
		out.wantCode(t, 3)
	})
}

// TestActionsSecrets has a buildpack look for the secrets of a job, and looks for
// them in everything that a build says and leaves.
func TestActionsSecrets(t *testing.T) {
	t.Parallel()
	front := testactions.New(t, nil)
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	j := newJob(t, front, testactions.Run{Repository: "team/app", Refs: mainRef}, "true")
	_, claims, _ := strings.Cut(j.token, ".")
	claims, signature, _ := strings.Cut(claims, ".")
	hidden := secrets{j.token, claims, signature, testactions.GitHubToken}
	app := newApp(t, map[string]string{"probe": hidden.probe()}, nil)
	args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish", "--verbose",
		"--import-cache", "type=gha,scope=app,ghtoken=" + testactions.GitHubToken, "--export-cache", "type=gha,scope=app,ghtoken=" + testactions.GitHubToken}
	for range 2 {
		_, out := j.build(args...)
		out.wantStderr(t, "probe: ")
		out.wantNoStderr(t, "probe: FOUND")
		hidden.wantNone(t, "the output", strings.NewReader(out.stdout+out.stderr))
		hidden.wantNoneBelow(t, j.home)
	}
	front.Faults.Set(testfaults.Rule{
		Path: regexp.MustCompile("/twirp/"), Status: 401, Body: `{"code":"unauthenticated","msg":"bad token ` + j.token + `"}`,
	})
	out := j.run(append([]string{"build"}, args...)...)
	hidden.wantNone(t, "the output", strings.NewReader(out.stdout+out.stderr))
	out.wantStderr(t, "bad token [redacted]")
}

// TestActionsOfAct builds twice with the cache service of act, whose URL is a
// secret.
func TestActionsOfAct(t *testing.T) {
	t.Parallel()
	url := testservers.NewAct(t).Service(t)
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, map[string]string{"src/a": "a"})
	hidden := secrets{filepath.Base(url)}
	for _, says := range []string{"make: rebuilt 1 of 1", "make: rebuilt 0 of 1"} {
		m := newMachine(t, "ACTIONS_CACHE_URL="+url, "ACTIONS_RUNTIME_TOKEN=token-of-act", "GITHUB_SERVER_URL=https://github.example.com")
		_, out := m.build(reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish", "--import-cache", "type=gha", "--export-cache", "type=gha")
		out.wantStderr(t, says)
		hidden.wantNone(t, "the output", strings.NewReader(out.stdout+out.stderr))
	}
}
