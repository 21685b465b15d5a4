package acceptance

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/samples"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// What the buildpacks of the tiny builder, and extra ones, print when they
// build an application with the settings below.
const (
	flagsBuilt  = "flags: none: "
	churnBuilt  = "churn: x: "
	behaveBuilt = "build: env: CNB_BUILDPACK_DIR=/cnb/buildpacks/samples_behave/"
	oneBuilt    = "extra: acme/one\n"
	twoBuilt    = "extra: acme/two\n"
)

var loudSettings = map[string]string{"churn": "x cache keep\n", "build-print-env": ""}

// TestBuildpacks names buildpacks in every way there is, and reads in the log
// which of them built, and in which order.
func TestBuildpacks(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, loudSettings, nil)
	one, two := newExtra("acme/one", "1.0", ""), newExtra("acme/two", "2.0", "")
	files := t.TempDir()
	put := func(name string, content []byte) string {
		path := filepath.Join(files, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	oneDir, twoDir := one.dir(t, filepath.Join(files, "one")), two.dir(t, filepath.Join(files, "two"))
	tgz := put("one.tgz", gzipOf(t, one.archive(t, "./")))
	cnb := put("one.cnb", buildpackageFile(t, buildpackage(t, one)))
	reg.pushImage(t, reg.ref("one"), buildpackage(t, one))
	reg.pushImage(t, reg.ref("whole"), buildpackage(t, newComposite("acme/whole", "3.0", two), two))
	composite := newComposite("acme/whole", "3.0", two)
	composite.files["package.toml"] = "[[dependencies]]\nuri = \"../two\"\n"
	compositeDir := composite.dir(t, filepath.Join(files, "whole"))
	web := httptest.NewServer(http.StripPrefix("/", http.FileServer(http.Dir(files))))
	t.Cleanup(web.Close)

	for _, test := range []struct {
		name string
		args []string
		want []string
		not  []string
	}{
		{"id", []string{"-b", "samples/flags"}, []string{flagsBuilt}, []string{churnBuilt, behaveBuilt}},
		{"id and version", []string{"-b", "samples/flags@1.0.0"}, []string{flagsBuilt}, []string{churnBuilt, behaveBuilt}},
		{"id as urn", []string{"-b", "urn:cnb:builder:samples/churn@1.0.0"}, []string{churnBuilt}, []string{flagsBuilt, behaveBuilt}},
		{"several ids", []string{"-b", "samples/behave", "-b", "samples/flags"}, []string{behaveBuilt, flagsBuilt}, []string{churnBuilt}},
		{"several ids with commas", []string{"-b", "samples/behave,samples/flags"}, []string{behaveBuilt, flagsBuilt}, []string{churnBuilt}},
		{"directory", []string{"-b", oneDir}, []string{oneBuilt}, []string{flagsBuilt}},
		{"directory relative to the current one", []string{"-b", "./one"}, []string{oneBuilt}, []string{flagsBuilt}},
		{"composite directory", []string{"-b", compositeDir}, []string{twoBuilt}, []string{flagsBuilt}},
		{"archive", []string{"-b", tgz}, []string{oneBuilt}, []string{flagsBuilt}},
		{"archive as URL of a file", []string{"-b", "file://" + tgz}, []string{oneBuilt}, []string{flagsBuilt}},
		{"archive on the web", []string{"-b", web.URL + "/one.tgz"}, []string{oneBuilt}, []string{flagsBuilt}},
		{"buildpackage as a file", []string{"-b", cnb}, []string{oneBuilt}, []string{flagsBuilt}},
		{"image", []string{"-b", reg.ref("one")}, []string{oneBuilt}, []string{flagsBuilt}},
		{"image by scheme, composite", []string{"-b", "docker://" + reg.ref("whole")}, []string{twoBuilt}, []string{flagsBuilt}},
		{"before the builder's", []string{"-b", oneDir, "-b", "from=builder"}, []string{oneBuilt, flagsBuilt, churnBuilt, behaveBuilt}, nil},
		{"after the builder's", []string{"-b", "from=builder", "-b", oneDir}, []string{flagsBuilt, churnBuilt, behaveBuilt, oneBuilt}, nil},
		{"pre", []string{"--pre-buildpack", oneDir, "--pre-buildpack", twoDir}, []string{twoBuilt, oneBuilt, flagsBuilt, behaveBuilt}, nil},
		{"post", []string{"--post-buildpack", oneDir, "--post-buildpack", twoDir}, []string{flagsBuilt, behaveBuilt, oneBuilt, twoBuilt}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			machine := newMachine(t)
			one.dir(t, filepath.Join(machine.home, "one"))
			image := reg.ref(strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(strings.ToLower(test.name)))
			_, out := machine.build(append([]string{image, "--builder", builder, "--path", app.dir, "--publish"}, test.args...)...)
			out.wantInOrder(t, test.want...)
			out.wantNoStderr(t, test.not...)
			machine.wantNothingLeft()
		})
	}
}

// TestBuildpackInPlaceOfTheBuilders gives a buildpack the name and version of one
// that the builder has.
func TestBuildpackInPlaceOfTheBuilders(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	mine := newExtra("samples/churn", "1.0.0", `ls "$CNB_BUILDPACK_DIR" | sed 's/^/has: /'`)
	_, out := newMachine(t).build(reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish",
		"--buildpack", "from=builder", "--buildpack", mine.dir(t, t.TempDir()))
	out.wantStderr(t, "extra: samples/churn\n", "has: bin\n", "has: buildpack.toml\n", "samples/churn@1.0.0 replaces another one")
	out.wantNoStderr(t, "has: lib\n")
}

// TestBuildpackCache restores what an extra buildpack cached.
func TestBuildpackCache(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	one := newExtra("acme/one", "1.0", `
[ ! -f "$CNB_LAYERS_DIR/kept/file" ] || echo "one: restored"
mkdir -p "$CNB_LAYERS_DIR/kept"
echo content > "$CNB_LAYERS_DIR/kept/file"
printf '[types]\ncache = true\n' > "$CNB_LAYERS_DIR/kept.toml"`)
	reg.pushImage(t, reg.ref("one"), buildpackage(t, one))
	args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish", "--cache-image", reg.ref("cache"), "--pre-buildpack", reg.ref("one")}
	_, out := newMachine(t).build(args...)
	out.wantNoStderr(t, "one: restored")
	result, out := newMachine(t).build(args...)
	out.wantStderr(t, "one: restored")
	if got := layerOf(t, result, "acme/one:kept"); got.Restore != "restored" || got.Save != "reused" {
		t.Errorf("%+v", got)
	}
}

// TestBuildpackTrust judges a trusted builder that builds with buildpacks of
// others.
func TestBuildpackTrust(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	dir := newExtra("acme/one", "1.0", "").dir(t, t.TempDir())
	for _, test := range []struct {
		name    string
		args    []string
		trusted bool
	}{
		{"from the builder", []string{"--buildpack", "samples/flags"}, true},
		{"from outside", []string{"--post-buildpack", dir}, false},
		{"trusted from outside", []string{"--post-buildpack", dir, "--trust-extra-buildpacks"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			machine := newMachine(t)
			machine.trust(builder)
			image := reg.ref(strings.ReplaceAll(test.name, " ", "-"))
			result, out := machine.build(append([]string{image, "--builder", builder, "--path", app.dir, "--publish"}, test.args...)...)
			reason := "trusted: listed in"
			if !test.trusted {
				reason = "untrusted: buildpacks from outside the builder are used"
			}
			out.wantStderr(t, ", "+reason)
			if result.Builder.Trusted != test.trusted || !strings.HasPrefix(result.Builder.Reason, reason) {
				t.Errorf("the builder is %+v", result.Builder)
			}
		})
	}
}

// TestBuildpackPrivate reads a buildpackage that not everyone may read.
func TestBuildpackPrivate(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{Auth: testregistry.Token, Users: []testregistry.User{
		{Name: "bob", Password: "bob-secret"},
		{Name: "eve", Password: "eve-secret", May: map[string][]string{"*": {"pull", "push"}, "one": {}}},
	}})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	reg.pushImage(t, reg.ref("one"), buildpackage(t, newExtra("acme/one", "1.0", "")))
	args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish", "--buildpack", reg.ref("one"), "--run-image", reg.ref("samples/tiny-run")}
	refusal{
		env: []string{registryAuth(t, reg.Addr, "eve", "eve-secret")}, code: 4, args: args,
		says: []string{"credentials for " + reg.Addr, "the buildpack", "pull from " + reg.ref("one"), "HINT: "},
	}.check(t, reg)
	_, out := newMachine(t, registryAuth(t, reg.Addr, "bob", "bob-secret")).build(args...)
	out.wantStderr(t, oneBuilt)
	out.wantNoSecret(t)
}

// TestBuildpackRefused names what is no buildpack.
func TestBuildpackRefused(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	reg.pushArtifact(t, reg.ref("chart"))
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	address := strings.Replace(web.URL, "http://", "http://bob:hunter2@", 1) + "/x.tgz?sig=my-secret"
	broken := newExtra("acme/one", "1.0", "")
	broken.files["buildpack.toml"] = "[buildpack]\nid = \"x\"\nversion = \"1\"\n"
	apiless := broken.dir(t, t.TempDir())
	hostile := filepath.Join(t.TempDir(), "hostile.tgz")
	good := newExtra("acme/one", "1.0", "")
	good.files["../../../outside"] = "x"
	if err := os.WriteFile(hostile, gzipOf(t, good.archive(t, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	with := func(program, content string) string {
		made := newExtra("acme/one", "1.0", "")
		made.files[program] = content
		return made.dir(t, t.TempDir())
	}
	for _, test := range []refusal{
		{name: "Windows line ends", code: 1, args: []string{"--buildpack", with("bin/build", "#!/bin/sh\r\nexit 0\r\n")}, says: []string{`"bin/build": the script has Windows line ends (CRLF)`, "HINT: convert it"}},
		{name: "no interpreter", code: 21, args: []string{"--buildpack", with("bin/detect", "#!/usr/bin/nothing\nexit 0\n")}, says: []string{"HINT: /cnb/buildpacks/acme_one/1.0/bin/detect is not there, or its first line names a program that the builder does not have"}},
		{name: "no program", code: 51, args: []string{"--buildpack", with("bin/build", "exit 0\n")}, says: []string{"HINT: /cnb/buildpacks/acme_one/1.0/bin/build is neither a program for the builder's processor nor a script"}},
		{name: "unknown id", code: 2, args: []string{"--buildpack", "from=builder:acme/java"}, says: []string{"the builder has no buildpack acme/java", "HINT: choose one of ", "samples/flags@1.0.0"}},
		{name: "unknown version", code: 2, args: []string{"--buildpack", "samples/flags@9"}, says: []string{"the builder has no version 9 of samples/flags, but 1.0.0", "HINT: "}},
		{name: "registry", code: 2, args: []string{"--buildpack", "urn:cnb:registry:acme/java"}, says: []string{"the buildpack registry is not supported", "HINT: name its image as docker://"}},
		{name: "id of the registry", code: 2, args: []string{"--post-buildpack", "acme/java@1.0.0"}, says: []string{"the builder has no such buildpack; the buildpack registry is not supported", "HINT: name its image as docker://"}},
		{name: "no path", code: 2, args: []string{"--pre-buildpack", "./nowhere"}, says: []string{"buildpack ./nowhere: no such file or directory", "HINT: check the path"}},
		{name: "no reference", code: 2, args: []string{"--buildpack", "docker://A B"}, says: []string{`buildpack "A B" is not an image reference`, "HINT: "}},
		{name: "the builder's order twice", code: 2, args: []string{"--buildpack", "from=builder,from=builder"}, says: []string{"only once", "HINT: "}},
		{name: "no image", code: 1, args: []string{"--buildpack", reg.ref("nowhere")}, says: []string{"buildpack " + reg.ref("nowhere") + " is not there", "HINT: check the reference"}},
		{name: "no buildpackage", code: 1, args: []string{"--buildpack", reg.ref("chart")}, says: []string{"the image is not a buildpackage", "HINT: a buildpackage is an image made by"}},
		{name: "nothing on the web", code: 1, args: []string{"--buildpack", address}, says: []string{"buildpack " + web.URL + "/x.tgz", "answered 404", "HINT: check the address"}},
		{name: "no buildpack in the directory", code: 1, args: []string{"--buildpack", app.dir}, says: []string{"buildpack " + app.dir, "no buildpack.toml at its top", "HINT: "}},
		{name: "no api", code: 1, args: []string{"--buildpack", apiless}, says: []string{"buildpack.toml has no api", "HINT: "}},
		{name: "hostile archive", code: 1, args: []string{"--buildpack", hostile}, says: []string{"buildpack " + hostile, `"../../../outside": the name leads out of the buildpack`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.args = append([]string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}, test.args...)
			test.check(t, reg)
		})
	}
}

// TestBuildpackForAnother has buildpacks that are made for another stack or
// another processor. Stacks count up to Platform API 0.11, and targets do after
// that, when detect looks at them.
func TestBuildpackForAnother(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	app := newApp(t, nil, nil)
	made := func(what string) string {
		foreign := newExtra("acme/one", "1.0", "")
		foreign.files["buildpack.toml"] += what
		return foreign.dir(t, t.TempDir())
	}
	const otherStack, otherTarget = "[[stacks]]\nid = \"acme.stacks.other\"\n", "[[targets]]\nos = \"linux\"\narch = \"s390x\"\n"
	args := func(builder, buildpack string) []string {
		return []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish", "--buildpack", made(buildpack)}
	}
	old := reg.tiny(t, func(o *samples.Options) { o.PlatformAPIs = []string{"0.11"} })
	refusal{code: 1, args: args(old, otherStack), says: []string{"buildpack acme/one@1.0: it does not support stack ", "acme.stacks.other", "HINT: use a buildpack or a builder that fits"}}.check(t, reg)
	refusal{code: 1, args: args(old, otherTarget), says: []string{"buildpack acme/one@1.0: it is for linux/s390x", "HINT: use a buildpack or a builder that fits"}}.check(t, reg)

	now := reg.tiny(t, nil)
	_, out := newMachine(t).build(args(now, otherStack)...)
	out.wantStderr(t, oneBuilt)
	refusal{code: 21, args: args(now, otherTarget), says: []string{"unable to satisfy target os/arch constraints", "s390x"}}.check(t, reg)
}
