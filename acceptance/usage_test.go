package acceptance

import (
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// refusal is a command that is refused before anything is done.
type refusal struct {
	name string
	args []string
	code int
	// says is what its log has to have.
	says []string
	// env is added to the environment.
	env []string
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
		{name: "no image", args: []string{"--builder", builder, "--publish"}, says: []string{"HINT: name the image to build"}},
		{name: "two images", args: good("another"), says: []string{"takes one image, but 2 were given"}},
		{name: "no builder", args: []string{reg.ref("app"), "--path", app.dir, "--publish"}, says: []string{"ERROR: no builder given", "HINT: name one with --builder"}},
		{name: "unknown flag", args: good("--no-such-flag"), says: []string{"--no-such-flag", "HINT: see `pack-cache build --help`"}},
		{name: "flag without a value", args: good("--builder"), says: []string{"--builder", "HINT: see `pack-cache build --help`"}},
		{name: "unknown engine", args: good("--engine", "warp"), says: []string{`--engine "warp"`, "HINT: choose one of auto, "}},
		{name: "network of a daemon", args: good("--network", "mine", "--engine", "sandbox"), says: []string{"--network mine: networks by name are those of a daemon", "HINT: choose --engine docker"}},
		{name: "app path is missing", args: good("--path", app.dir+"/nowhere"), says: []string{app.dir + "/nowhere", "HINT: name the directory", "--path"}},
		{name: "app path is a file", args: good("--path", app.dir+"/hello.txt"), says: []string{app.dir + "/hello.txt: neither a directory nor a zip file", "HINT: name the directory"}},
		{name: "unknown output", args: good("--output", "yaml"), says: []string{`--output: there is no "yaml"`, "write text or json", "or type= with one of: image, registry, oci, docker"}},
		{name: "output of no type", args: good("--output", "dest=x"), says: []string{"--output: attribute type is missing", "HINT: add type=, with one of: image, registry, oci, docker"}},
		{name: "output of another type", args: good("--output", "type=tar,dest=x"), says: []string{`--output: attribute type: there is no "tar"`, "valid are: image, registry, oci, docker"}},
		{name: "output with another attribute", args: good("--output", "type=oci,dst=x"), says: []string{`--output type=oci: unknown attribute "dst"`, "HINT: did you mean dest? valid are: dest, tar, name"}},
		{name: "output without a place", args: good("--output", "type=oci"), says: []string{"--output type=oci: attribute dest is missing", "HINT: add dest=PATH"}},
		{name: "output to standard output", args: good("--output", "type=docker,dest=-"), says: []string{"the image cannot go to standard output"}},
		{name: "two outputs", args: good("--output", "type=registry", "--output", "type=docker"), says: []string{"--output says more than once where the app image goes: type=registry and type=docker", "HINT: an app image goes to one place"}},
		{name: "output that is not published", args: good("--output", "type=docker"), says: []string{"--publish and --output type=docker contradict each other"}},
		{name: "output in no directory", args: []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--output", "type=docker,dest=" + app.dir + "/no/where"}, says: []string{app.dir + "/no/where: no such file", "HINT: name a file"}},
		{name: "directory to publish", args: []string{"oci:x", "--builder", builder, "--path", app.dir, "--publish"}, says: []string{"oci:x is a directory, which --publish cannot publish"}},
		{name: "directory and output", args: []string{"oci:x", "--builder", builder, "--path", app.dir, "--output", "type=docker,dest=x"}, says: []string{"oci:x is a directory, and --output type=docker,dest=x is another place"}},
		{name: "directory without a name", args: []string{"oci:", "--builder", builder, "--path", app.dir}, says: []string{"HINT: write oci:DIRECTORY"}},
		{name: "directory with a tag", args: []string{"oci:x", "--builder", builder, "--path", app.dir, "--tag", reg.ref("app")}, says: []string{"--tag gives another name", "HINT: leave --tag out"}},
		{name: "directory of something else", args: []string{"oci:" + app.dir, "--builder", builder, "--path", app.dir}, says: []string{app.dir + " holds ", "and is not an OCI image layout", "HINT: name a directory"}},
		{name: "previous image elsewhere", args: good("--previous-image", "oci:x"), says: []string{`--previous-image "oci:x" is a directory, but the app image goes elsewhere`}},
		{name: "unknown pull policy", args: good("--pull-policy", "sometimes"), says: []string{`--pull-policy: there is no policy "sometimes"`, "HINT: choose always, if-not-present or never"}},
		{name: "cache image without publishing", args: []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--cache-image", reg.ref("cache")}, says: []string{"--cache-image needs --publish", "HINT: add --publish"}},
		{name: "cache required without a cache", args: good("--cache-required"), says: []string{"--cache-required", "HINT: name a cache with --cache-image"}},
		{name: "environment without a name", args: good("--env", "=value"), says: []string{"--env: a variable without a name", "HINT: write KEY=VALUE"}},
		{name: "environment that is a path", args: good("--env", "../../x=y"), says: []string{`--env: "../../x"`, "HINT: write KEY=VALUE"}},
		{name: "env file is missing", args: good("--env-file", app.dir+"/nowhere"), says: []string{"--env-file", app.dir + "/nowhere", "HINT: check the path"}},
		{name: "creation time is none", args: good("--creation-time", "yesterday"), says: []string{`--creation-time "yesterday"`, "HINT: give seconds since 1970"}},

		{name: "image is not a reference", args: []string{"UPPER/Case", "--builder", builder, "--path", app.dir, "--publish"}, says: []string{`image "UPPER/Case"`, asReference}},
		{name: "image is empty", args: []string{"", "--builder", builder, "--path", app.dir, "--publish"}, says: []string{`image ""`, asReference}},
		{name: "image is a URL", args: []string{"https://registry.example.com/app", "--builder", builder, "--path", app.dir, "--publish"}, says: []string{`image "https://registry.example.com/app"`, "HINT: leave that out: registry.example.com/app"}},
		{name: "image has a password", args: []string{"bob:hunter2@registry.example.com/app", "--builder", builder, "--path", app.dir, "--publish"}, says: []string{`image "[redacted]@registry.example.com/app"`, "it contains a credential", "HINT: leave the credential out", "docker login registry.example.com"}},
		{name: "image has a digest", args: []string{reg.ref("app@" + someDigest), "--builder", builder, "--path", app.dir, "--publish"}, says: []string{"has a digest", "HINT: name a tag instead"}},
		{name: "builder is not a reference", args: good("--builder", "a b"), says: []string{`builder "a b"`, asReference}},
		{name: "run image is not a reference", args: good("--run-image", "a:b:c"), says: []string{`run image "a:b:c"`, asReference}},
		{name: "previous image is not a reference", args: good("--previous-image", "x/"), says: []string{`previous image "x/"`, asReference}},
		{name: "tag is not a reference", args: good("--tag", reg.ref("app:über")), says: []string{"tag \"" + reg.ref("app:über") + "\"", asReference}},
		{name: "cache image is not a reference", args: good("--cache-image", "cache:with:colons"), says: []string{`cache image "cache:with:colons"`, asReference}},
		{name: "cache image has a digest", args: good("--cache-image", reg.ref("cache@"+someDigest)), says: []string{"cache image", "has a digest", "HINT: name a tag instead"}},
		{name: "tag in another registry", args: good("--tag", "registry.example.com/app"), says: []string{"tag registry.example.com/app is in another registry", "HINT: choose a tag in " + reg.Addr}},
		{name: "tag has a digest", args: good("--tag", reg.ref("app@"+someDigest)), says: []string{"tag", "has a digest", "HINT: name a tag instead"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.code = 2
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
		{name: "app and builder", args: args(builder, "--builder", builder), says: []string{"builder and app image are the same", builder, "HINT: "}},
		{name: "app and builder, one with the tag", args: args(builder+":latest", "--builder", builder), says: []string{"builder and app image are the same"}},
		{name: "app and cache", args: args(image, "--builder", builder, "--cache-image", image), says: []string{"app image and cache image are the same", image, "HINT: "}},
		{name: "app and cache, one with the tag", args: args(image, "--builder", builder, "--cache-image", image+":latest"), says: []string{"app image and cache image are the same"}},
		{name: "builder and cache", args: args(image, "--builder", builder, "--cache-image", builder), says: []string{"builder and cache image are the same", builder, "HINT: "}},
		{name: "tag and builder", args: args(image, "--builder", builder, "--tag", builder), says: []string{"builder and tag are the same", builder, "HINT: "}},
		{name: "tag and cache", args: args(image, "--builder", builder, "--tag", cache, "--cache-image", cache), says: []string{"tag and cache image are the same", cache, "HINT: "}},
		{name: "app and run image", args: args(run, "--builder", builder, "--run-image", run), says: []string{"run image and app image are the same", run, "HINT: "}},
		{name: "app and the builder's run image", args: args(run, "--builder", builder), says: []string{"run image and app image are the same", run, "HINT: "}},
		{name: "tag and run image", args: args(image, "--builder", builder, "--tag", run), says: []string{"run image and tag are the same", run, "HINT: "}},
		{name: "cache and run image", args: args(image, "--builder", builder, "--cache-image", run), says: []string{"run image and cache image are the same", run, "HINT: "}},
		{name: "cache and previous image", args: args(image, "--builder", builder, "--cache-image", cache, "--previous-image", cache), says: []string{"previous image and cache image are the same", cache, "HINT: "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.code = 2
			test.check(t, reg)
		})
	}
}

// TestReservedNames gives the app image the name of an image that builds are made
// with.
func TestReservedNames(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	config := "lifecycle-image = \"" + reg.ref("lifecycle") + "\"\n[[trusted-builders]]\nname = \"" + reg.ref("trusted") + "\"\n"
	for _, test := range []struct {
		name, image string
		more        []string
		says        string
	}{
		{"trusted builder", reg.ref("trusted"), []string{"--publish"}, "is a trusted builder"},
		{"known builder", "paketobuildpacks/builder-jammy-base", []string{"--publish"}, "is a trusted builder"},
		{"lifecycle image", reg.ref("lifecycle"), []string{"--publish"}, "is the lifecycle image of "},
		{"tag", reg.ref("app"), []string{"--tag", reg.ref("trusted:too")}, "tag " + reg.ref("trusted:too") + " is a trusted builder"},
		{"name in a file", "app", []string{"--output", "type=docker,dest=x,name=" + reg.ref("trusted")}, "is a trusted builder"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.write(".pack/config.toml", config, 0o600)
			out := m.run(append([]string{"build", test.image, "--builder", builder, "--path", app.dir}, test.more...)...)
			out.wantCode(t, 2)
			out.wantStderr(t, test.says, "HINT: choose another name")
		})
	}
}

// someDigest is the digest of nothing.
const someDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// check runs the command on a machine of its own; it must say what is wrong and
// change nothing.
func (r refusal) check(t *testing.T, registries ...*registry) {
	t.Helper()
	var before []map[string]string
	for _, reg := range registries {
		before = append(before, reg.content(t))
	}
	machine := newMachine(t, r.env...)
	out := machine.run(append([]string{"build"}, r.args...)...)
	if testing.Verbose() {
		t.Log(out.stderr)
	}
	out.wantCode(t, r.code)
	out.wantStderr(t, append(r.says, "ERROR: ")...)
	if out.stdout != "" {
		t.Errorf("a refused build writes to standard output: %q", out.stdout)
	}
	out.wantNoStderr(t, "\x1b") // it is no terminal
	out.wantNoSecret(t)
	machine.wantNothingLeft()
	for i, reg := range registries {
		reg.wantContent(t, before[i])
	}
}

// wantNoSecret fails if the output has a password of these tests.
func (o outcome) wantNoSecret(t *testing.T) {
	t.Helper()
	for _, secret := range []string{"hunter2", "-secret"} {
		if strings.Contains(o.stdout+o.stderr, secret) {
			t.Errorf("the output has a password:\n%s%s", o.stdout, o.stderr)
		}
	}
}

// TestMachineIncomplete runs where something of the machine is missing.
func TestMachineIncomplete(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	for _, test := range []refusal{
		{name: "no temporary directory", env: []string{"TMPDIR=/nonexistent/tmp"},
			says: []string{"temporary directory /nonexistent/tmp: no such file or directory", "name another directory in TMPDIR"}},
		{name: "no home", env: []string{"HOME="}, says: []string{"$HOME is not defined", "PACK_HOME"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.code = 1
			test.args = []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}
			test.check(t, reg)
		})
	}
}
