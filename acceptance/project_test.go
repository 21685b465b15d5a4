package acceptance

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestProject builds with every key of a project descriptor, each in a build
// that would be another one without it.
func TestProject(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	other := reg.ref("samples/other-builder")
	reg.pushImage(t, other, reg.image(t, builder))
	reg.pushImage(t, reg.ref("one"), buildpackage(t, newExtra("acme/one", "1.0", "")))
	const v2, v3 = "[_]\nschema-version = \"0.2\"\n", "[_]\nschema-version = \"0.3\"\n"
	// list is a buildpack of the descriptor that prints the application's files.
	const list = "[[io.buildpacks.group]]\nid = \"me/list\"\n[io.buildpacks.group.script]\napi = \"0.10\"\n" +
		"inline = '''\nfind . -mindepth 1 | sed 's,^./,file: ,'\n'''\n"
	const always, tested = "extra: always\n", "extra: tested\n"
	environments := v3 + "[[io.buildpacks.build.env]]\nname = \"MINE\"\nvalue = \"always\"\n[[io.buildpacks.build.env]]\nname = \"TESTED\"\nvalue = \"x\"\nexec-env = [\"test\"]\n" +
		"[[io.buildpacks.post.group]]\nid = \"always\"\nexec-env = [\"production\"]\nscript = {api = \"0.10\", inline = \"echo extra: always\"}\n" +
		"[[io.buildpacks.post.group]]\nid = \"tested\"\nexec-env = [\"test\"]\nscript = {api = \"0.10\", inline = \"echo extra: tested\"}\n"
	for _, test := range []struct {
		name, descriptor string
		args             []string
		want, not        []string
	}{
		{"builder", v2 + "[io.buildpacks]\nbuilder = \"" + other + "\"\n", nil, []string{"Builder " + other + "@", flagsBuilt}, nil},
		{"builder of the flag", v2 + "[io.buildpacks]\nbuilder = \"" + other + "\"\n", []string{"--builder", builder}, []string{"Builder " + builder + "@"}, []string{other}},
		{"include", v2 + "[io.buildpacks]\ninclude = [\"src/deep/kept.txt\", \"docs/\"]\n" + list, []string{"--builder", builder},
			[]string{"file: src\n", "file: src/deep\n", "file: src/deep/kept.txt\n", "file: docs/a.md\n"}, []string{"file: hello.txt\n", "file: src/main.c\n", "file: project.toml\n"}},
		{"exclude", v2 + "[io.buildpacks]\nexclude = [\"*.txt\", \"!kept.txt\", \"docs/\"]\n" + list, []string{"--builder", builder},
			[]string{"file: src/main.c\n", "file: src/deep/kept.txt\n", "file: project.toml\n"}, []string{"file: hello.txt\n", "file: docs\n", "file: docs/a.md\n"}},
		{"env", v2 + "[[io.buildpacks.build.env]]\nname = \"MINE\"\nvalue = \"of the project\"\n[[io.buildpacks.build.env]]\nname = \"BOTH\"\nvalue = \"of the project\"\n",
			[]string{"--builder", builder, "--env", "BOTH=of the flag"}, []string{"build: env: MINE=of the project\n", "build: env: BOTH=of the flag\n"}, nil},
		{"env in the older spelling", v2 + "[[io.buildpacks.env.build]]\nname = \"MINE\"\nvalue = \"older\"\n", []string{"--builder", builder}, []string{"build: env: MINE=older\n"}, nil},
		{"group", v2 + "[[io.buildpacks.group]]\nid = \"samples/behave\"\n[[io.buildpacks.group]]\nid = \"samples/flags\"\nversion = \"1.0.0\"\n[[io.buildpacks.group]]\nuri = \"docker://" + reg.ref("one") + "\"\n",
			[]string{"--builder", builder}, []string{behaveBuilt, flagsBuilt, oneBuilt}, []string{churnBuilt}},
		{"group with a path", v2 + "[[io.buildpacks.group]]\nuri = \"buildpacks/two\"\n[[io.buildpacks.group]]\nuri = \"from=builder\"\n", []string{"--builder", builder},
			[]string{twoBuilt, flagsBuilt}, nil},
		{"group with a path that is left out", v2 + "[io.buildpacks]\nexclude = [\"*.txt\", \"buildpacks\"]\n[[io.buildpacks.group]]\nuri = \"buildpacks/two\"\n" + list, []string{"--builder", builder},
			[]string{twoBuilt, "file: docs/a.md\n"}, []string{flagsBuilt, "file: hello.txt\n", "file: buildpacks"}},
		{"group against the flag", v2 + "[[io.buildpacks.group]]\nuri = \"buildpacks/two\"\n", []string{"--builder", builder, "--buildpack", "samples/flags"}, []string{flagsBuilt}, []string{twoBuilt}},
		{"script", v2 + "[[io.buildpacks.group]]\nid = \"me/script\"\nversion = \"7\"\n[io.buildpacks.group.script]\napi = \"0.10\"\nshell = \"/bin/bash\"\ninline = \"[[ x == x* ]] && echo script: $CNB_BUILDPACK_DIR $BASH\"\n",
			[]string{"--builder", builder}, []string{"script: /cnb/buildpacks/me_script/7 /bin/bash\n"}, []string{flagsBuilt}},
		{"pre and post", v2 + "[[io.buildpacks.pre.group]]\nuri = \"buildpacks/two\"\n[[io.buildpacks.post.group]]\nuri = \"docker://" + reg.ref("one") + "\"\n", []string{"--builder", builder},
			[]string{twoBuilt, flagsBuilt, churnBuilt, oneBuilt}, nil},
		{"pre against the flag", v2 + "[[io.buildpacks.pre.group]]\nuri = \"buildpacks/two\"\n", []string{"--builder", builder, "--pre-buildpack", reg.ref("one")}, []string{oneBuilt, flagsBuilt}, []string{twoBuilt}},
		{"execution environments", environments,
			[]string{"--builder", builder}, []string{"build: env: MINE=always\n", always}, []string{"TESTED", tested}},
		{"another execution environment", environments,
			[]string{"--builder", builder, "--exec-env", "test"}, []string{"build: env: MINE=always\n", "build: env: TESTED=x\n", tested}, []string{always}},
		{"schema 0.1", "[build]\nbuilder = \"" + other + "\"\nexclude = [\"*.txt\"]\n[[build.buildpacks]]\nid = \"samples/behave\"\n[[build.buildpacks]]\nid = \"me/list\"\nscript = {api = \"0.10\", inline = \"ls | sed 's,^,file: ,'\"}\n" +
			"[[build.env]]\nname = \"MINE\"\nvalue = \"of the project\"\n", nil,
			[]string{"Builder " + other + "@", "build: env: MINE=of the project\n", "file: src\n"}, []string{flagsBuilt, "file: hello.txt\n"}},
		{"key of another version", "[io.buildpacks]\nbuilder = \"" + other + "\"\n", []string{"--builder", builder}, []string{"left out: io.buildpacks.builder\n"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t, loudSettings, map[string]string{
				"project.toml": test.descriptor, "src/main.c": "", "src/deep/kept.txt": "", "docs/a.md": "",
			})
			newExtra("acme/two", "2.0", "").dir(t, filepath.Join(app.dir, "buildpacks/two"))
			machine := newMachine(t)
			image := reg.ref(strings.NewReplacer(" ", "-", ".", "").Replace(test.name))
			_, out := machine.build(append([]string{image, "--path", app.dir, "--publish"}, test.args...)...)
			if slices.Contains(test.want, "file: src\n") {
				out.wantStderr(t, test.want...)
			} else {
				out.wantInOrder(t, inLogOrder(test.want)...)
			}
			out.wantNoStderr(t, test.not...)
			machine.wantNothingLeft()
		})
	}
}

// inLogOrder leaves out what is printed among other things in an order of its
// own.
func inLogOrder(want []string) []string {
	return slices.DeleteFunc(slices.Clone(want), func(s string) bool { return strings.HasPrefix(s, "build: env: BOTH") })
}

// TestProjectDescriptor names a descriptor that is not in the source. What it
// says of paths is relative to where it is.
func TestProjectDescriptor(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, loudSettings, map[string]string{"project.toml": "[[build.env]]\nname = \"MINE\"\nvalue = \"of project.toml\"\n"})
	machine := newMachine(t)
	newExtra("acme/two", "2.0", "").dir(t, filepath.Join(machine.home, "ci/two"))
	machine.write("ci/other.toml", "[_]\nschema-version = \"0.2\"\n[[io.buildpacks.post.group]]\nuri = \"two\"\n[[io.buildpacks.build.env]]\nname = \"MINE\"\nvalue = \"of the other\"\n", 0o644)
	_, out := machine.build(reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish", "--descriptor", "ci/other.toml")
	out.wantInOrder(t, flagsBuilt, "build: env: MINE=of the other\n", twoBuilt)
}

// TestProjectTrust has the source name builder and buildpacks, which makes
// nobody trust them.
func TestProjectTrust(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	const v2 = "[_]\nschema-version = \"0.2\"\n"
	named := v2 + "[io.buildpacks]\nbuilder = \"" + builder + "\"\n"
	script := "[[io.buildpacks.post.group]]\nid = \"me/script\"\nscript = {api = \"0.10\", inline = \"true\"}\n"
	for _, test := range []struct {
		name, descriptor string
		listed           bool
		args             []string
		reason           string
	}{
		{"builder", named, false, nil, "untrusted: neither a known builder nor listed"},
		{"builder with the flag", named, false, []string{"--trust-builder"}, "untrusted: neither a known builder nor listed in ~/.pack/config.toml (--trust-builder does not cover a builder that project.toml names)"},
		{"listed builder", named, true, nil, "trusted: listed in"},
		{"script", v2 + script, true, []string{"--builder", builder}, "untrusted: buildpacks from outside the builder are used"},
		{"script with the flag", v2 + script, true, []string{"--builder", builder, "--trust-extra-buildpacks"}, "trusted: listed in"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t, nil, map[string]string{"project.toml": test.descriptor})
			machine := newMachine(t)
			if test.listed {
				machine.trust(builder)
			}
			image := reg.ref(strings.ReplaceAll(test.name, " ", "-"))
			result, _ := machine.build(append([]string{image, "--path", app.dir, "--publish"}, test.args...)...)
			if !strings.HasPrefix(result.Builder.Reason, test.reason) || result.Builder.Trusted != strings.HasPrefix(test.reason, "trusted") {
				t.Errorf("the builder is %+v, want %q", result.Builder, test.reason)
			}
		})
	}
}

// TestDefaultBuilder builds with the builder of config.toml, unless the project
// or the user names another one.
func TestDefaultBuilder(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	other := reg.ref("samples/other-builder")
	reg.pushImage(t, other, reg.image(t, builder))
	for _, test := range []struct{ name, descriptor, want string }{
		{"nobody else", "", other},
		{"the project", "[build]\nbuilder = \"" + builder + "\"\n", builder},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t, nil, map[string]string{"project.toml": test.descriptor})
			machine := newMachine(t)
			machine.write(".pack/config.toml", "default-builder-image = \""+other+"\"\n", 0o600)
			_, out := machine.build(reg.ref(strings.ReplaceAll(test.name, " ", "-")), "--path", app.dir, "--publish")
			out.wantStderr(t, "Builder "+test.want+"@")
		})
	}
}

// TestProjectRefused has descriptors that are not there or make no sense.
func TestProjectRefused(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	const v2 = "[_]\nschema-version = \"0.2\"\n"
	for _, test := range []struct {
		refusal
		descriptor string
	}{
		{refusal{name: "not there", code: 2, args: []string{"--descriptor", "nowhere.toml"}, says: []string{"--descriptor nowhere.toml: no such file or directory", "HINT: check the path"}}, ""},
		{refusal{name: "a directory", code: 2, args: []string{"--descriptor", "/"}, says: []string{"--descriptor /: is a directory", "HINT: check the path"}}, ""},
		{refusal{name: "no TOML", code: 1, says: []string{"project.toml: toml: ", "HINT: correct it"}}, "["},
		{refusal{name: "unknown version", code: 1, says: []string{`schema version "9" is not known`, "HINT: "}}, "[_]\nschema-version = \"9\"\n"},
		{refusal{name: "include and exclude", code: 1, says: []string{"include and exclude cannot both be given", "HINT: "}}, v2 + "[io.buildpacks]\ninclude = [\"a\"]\nexclude = [\"b\"]\n"},
		{refusal{name: "unknown buildpack", code: 2, says: []string{"the buildpack registry is not supported", "HINT: "}}, v2 + "[[io.buildpacks.group]]\nid = \"acme/java\"\n"},
		{refusal{name: "script without api", code: 1, says: []string{"buildpack me/script: its script has no api", "HINT: add"}}, v2 + "[[io.buildpacks.group]]\nid = \"me/script\"\nscript = {inline = \"true\"}\n"},
		{refusal{name: "no builder reference", code: 2, says: []string{`builder "A B"`, "HINT: "}, args: []string{"--builder", ""}}, v2 + "[io.buildpacks]\nbuilder = \"A B\"\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t, nil, map[string]string{"project.toml": test.descriptor})
			test.args = append([]string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}, test.args...)
			test.check(t, reg)
		})
	}
}
