package acceptance

import (
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/testregistry"
)

// refusal is a command that is refused before anything is done.
type refusal struct {
	name string
	args []string
	code int
	// says is what its log has to have.
	says []string
}

// TestUsage gives pack-cache what makes no sense.
func TestUsage(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	good := func(more ...string) []string {
		return append([]string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}, more...)
	}
	const asReference = "HINT: write it as REGISTRY/REPOSITORY[:TAG]"
	for _, test := range []refusal{
		{"no image", []string{"--builder", builder, "--publish"}, 2, []string{"HINT: name the image to build"}},
		{"two images", good("another"), 2, []string{"there can be only 1"}},
		{"no builder", []string{reg.ref("app"), "--path", app.dir, "--publish"}, 2, []string{"ERROR: no builder given", "HINT: name one with --builder"}},
		{"unknown flag", good("--no-such-flag"), 2, []string{"--no-such-flag", "HINT: see `pack-cache build --help`"}},
		{"flag without a value", good("--builder"), 2, []string{"--builder", "HINT: see `pack-cache build --help`"}},
		{"unknown engine", good("--engine", "warp"), 2, []string{`--engine "warp"`, "HINT: choose one of auto, sandbox"}},
		{"unknown network", good("--network", "bridge"), 2, []string{`--network "bridge"`, "HINT: choose host or none"}},
		{"unknown output", good("--output", "yaml"), 2, []string{`--output "yaml"`, "HINT: choose text or json"}},
		{"app path is missing", good("--path", app.dir+"/nowhere"), 2, []string{app.dir + "/nowhere", "HINT: name the directory", "--path"}},
		{"app path is a file", good("--path", app.dir+"/hello.txt"), 2, []string{app.dir + "/hello.txt: not a directory", "HINT: name the directory"}},
		{"nothing to publish", []string{reg.ref("app"), "--builder", builder, "--path", app.dir}, 2, []string{"HINT: add --publish"}},
		{"cache image without publishing", []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--cache-image", reg.ref("cache")}, 2, []string{"--cache-image needs --publish", "HINT: add --publish"}},
		{"cache required without a cache", good("--cache-required"), 2, []string{"--cache-required", "HINT: name a cache with --cache-image"}},
		{"environment without a name", good("--env", "=value"), 2, []string{"--env: a variable without a name", "HINT: write KEY=VALUE"}},
		{"environment that is a path", good("--env", "../../x=y"), 2, []string{`--env: "../../x"`, "HINT: write KEY=VALUE"}},
		{"env file is missing", good("--env-file", app.dir+"/nowhere"), 2, []string{"--env-file", app.dir + "/nowhere", "HINT: check the path"}},
		{"creation time is none", good("--creation-time", "yesterday"), 2, []string{`--creation-time "yesterday"`, "HINT: give seconds since 1970"}},

		{"image is no reference", []string{"UPPER/Case", "--builder", builder, "--path", app.dir, "--publish"}, 2, []string{`image "UPPER/Case"`, asReference}},
		{"image is empty", []string{"", "--builder", builder, "--path", app.dir, "--publish"}, 2, []string{`image ""`, asReference}},
		{"image is a URL", []string{"https://registry.example.com/app", "--builder", builder, "--path", app.dir, "--publish"}, 2, []string{`image "https://registry.example.com/app"`, "HINT: leave that out: registry.example.com/app"}},
		{"image has a password", []string{"bob:hunter2@registry.example.com/app", "--builder", builder, "--path", app.dir, "--publish"}, 2, []string{`image "[redacted]@registry.example.com/app"`, "it contains a credential", "HINT: leave the credential out", "docker login registry.example.com"}},
		{"image has a digest", []string{reg.ref("app@" + someDigest), "--builder", builder, "--path", app.dir, "--publish"}, 2, []string{"has a digest", "HINT: name a tag instead"}},
		{"builder is no reference", good("--builder", "a b"), 2, []string{`builder "a b"`, asReference}},
		{"run image is no reference", good("--run-image", "a:b:c"), 2, []string{`run image "a:b:c"`, asReference}},
		{"previous image is no reference", good("--previous-image", "x/"), 2, []string{`previous image "x/"`, asReference}},
		{"tag is no reference", good("--tag", reg.ref("app:über")), 2, []string{"tag \"" + reg.ref("app:über") + "\"", asReference}},
		{"cache image is no reference", good("--cache-image", "cache:with:colons"), 2, []string{`cache image "cache:with:colons"`, asReference}},
		{"cache image has a digest", good("--cache-image", reg.ref("cache@"+someDigest)), 2, []string{"cache image", "has a digest", "HINT: name a tag instead"}},
		{"tag has a digest", good("--tag", reg.ref("app@"+someDigest)), 2, []string{"tag", "has a digest", "HINT: name a tag instead"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.check(t, reg)
		})
	}
}

// TestSameReferences names two images alike, of which one would be overwritten.
func TestSameReferences(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	run, image, cache := reg.ref("samples/tiny-run"), reg.ref("app"), reg.ref("cache")
	args := func(image string, more ...string) []string {
		return append([]string{image, "--path", app.dir, "--publish"}, more...)
	}
	for _, test := range []refusal{
		{"app and builder", args(builder, "--builder", builder), 2, []string{"builder and app image are the same", builder, "HINT: "}},
		{"app and builder, one with the tag", args(builder+":latest", "--builder", builder), 2, []string{"builder and app image are the same"}},
		{"app and cache", args(image, "--builder", builder, "--cache-image", image), 2, []string{"app image and cache image are the same", image, "HINT: "}},
		{"app and cache, one with the tag", args(image, "--builder", builder, "--cache-image", image+":latest"), 2, []string{"app image and cache image are the same"}},
		{"builder and cache", args(image, "--builder", builder, "--cache-image", builder), 2, []string{"builder and cache image are the same", builder, "HINT: "}},
		{"tag and builder", args(image, "--builder", builder, "--tag", builder), 2, []string{"builder and tag are the same", builder, "HINT: "}},
		{"tag and cache", args(image, "--builder", builder, "--tag", cache, "--cache-image", cache), 2, []string{"tag and cache image are the same", cache, "HINT: "}},
		{"app and run image", args(run, "--builder", builder, "--run-image", run), 2, []string{"run image and app image are the same", run, "HINT: "}},
		{"app and the builder's run image", args(run, "--builder", builder), 2, []string{"run image and app image are the same", run, "HINT: "}},
		{"tag and run image", args(image, "--builder", builder, "--tag", run), 2, []string{"run image and tag are the same", run, "HINT: "}},
		{"cache and run image", args(image, "--builder", builder, "--cache-image", run), 2, []string{"run image and cache image are the same", run, "HINT: "}},
		{"cache and previous image", args(image, "--builder", builder, "--cache-image", cache, "--previous-image", cache), 2, []string{"previous image and cache image are the same", cache, "HINT: "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.check(t, reg)
		})
	}
}

// someDigest is the digest of nothing.
const someDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// check runs the command on a machine of its own; it must say what is wrong and
// change nothing.
func (r refusal) check(t *testing.T, reg *registry) {
	t.Helper()
	before := reg.content(t)
	machine := newMachine(t)
	out := machine.run(append([]string{"build"}, r.args...)...)
	out.wantCode(t, r.code)
	out.wantStderr(t, append(r.says, "ERROR: ")...)
	if testing.Verbose() {
		t.Log(out.stderr)
	}
	if out.stdout != "" {
		t.Errorf("a refused build writes to standard output: %q", out.stdout)
	}
	if strings.Contains(out.stderr, "hunter2") {
		t.Errorf("the log has a password:\n%s", out.stderr)
	}
	machine.wantNothingLeft()
	reg.wantContent(t, before)
}
