package extra

import (
	"errors"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestReadDescriptor(t *testing.T) {
	t.Parallel()
	named := func(id, version string) string {
		return "api = \"0.10\"\n[buildpack]\nid = \"" + id + "\"\nversion = \"" + version + "\"\n"
	}
	for _, test := range []struct{ name, content, want string }{
		{"fine", named("acme/x.y-z", "1.2.3-rc.1+build"), ""},
		{"no TOML", "api =", "buildpack.toml: toml: "},
		{"no api", "[buildpack]\nid = \"x\"\nversion = \"1\"", "no api"},
		{"no id", "api = \"0.10\"\n[buildpack]\nversion = \"1\"", "no buildpack.id"},
		{"no version", "api = \"0.10\"\n[buildpack]\nid = \"x\"", "no buildpack.version"},
		{"id that leads out", named("..", "1"), `".." is not a valid buildpack id`},
		{"id with a space", named("a b", "1"), `"a b" is not a valid buildpack id`},
		{"reserved id", named("config", "1"), `"config" is not a valid buildpack id`},
		{"version that leads out", named("x", ".."), `".." is not a valid buildpack version`},
		{"version that is a path", named("x", "1/../2"), `"1/../2" is not a valid buildpack version`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := readDescriptor(buildpacks, []byte(test.content))
			if test.want != "" {
				wantError(t, err, test.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAPI uses a Buildpack API that the builder's lifecycle does not speak.
func TestAPI(t *testing.T) {
	t.Parallel()
	future := strings.Replace(descriptorOf("acme/x@1"), "0.10", "9.9", 1)
	dir := writeFiles(t, map[string]string{"buildpack.toml": future, "bin/build": ""})
	_, err := resolve(t, fakeBuilder(t, nil), Request{Buildpacks: sources(dir)}, nil)
	wantError(t, err, "it speaks Buildpack API 9.9, the builder's lifecycle speaks 0.10")

	silent := func(l map[string]string) { l["io.buildpacks.builder.metadata"] = "{}" }
	if _, err := resolve(t, fakeBuilder(t, silent), Request{Buildpacks: sources(dir)}, nil); err != nil {
		t.Errorf("a builder that does not say what it speaks: %v", err)
	}
}

// TestComposite has composite buildpacks with parts that are there and that are
// not.
func TestComposite(t *testing.T) {
	t.Parallel()
	part := writeFiles(t, map[string]string{"buildpack.toml": descriptorOf("acme/part@1"), "bin/build": ""})
	images := map[string]v1.Image{"part": fakePackage(t, map[string]v1.Layer{"acme/part@2": fakeLayer(t, "acme/part@2")}, "acme/part@2", nil)}
	for _, test := range []struct {
		name, refs string
		others     []string
		files      map[string]string
		want       string
	}{
		{"of the builder", `{id = "acme/a", version = "1"}`, nil, nil, ""},
		{"of another one", `{id = "acme/part", version = "1", optional = true}`, []string{part}, nil, ""},
		{"of a composite one", `{id = "acme/c", version = "3"}`, nil, nil, ""},
		{"of package.toml", `{id = "acme/part", version = "2"}`, nil, map[string]string{"package.toml": "[[dependencies]]\nuri = \"docker://part\"\n"}, ""},
		{"of package.toml as an image", `{id = "acme/part", version = "2"}`, nil, map[string]string{"package.toml": "[[dependencies]]\nimage = \"part\"\n"}, ""},
		{"of a path in package.toml", `{id = "acme/inner", version = "1"}`, nil, map[string]string{
			"package.toml": "[buildpack]\nuri = \".\"\n[[dependencies]]\nuri = \"./parts/inner\"\n", "parts/inner/buildpack.toml": descriptorOf("acme/inner@1"), "parts/inner/bin/build": "",
		}, ""},
		{"missing", `{id = "acme/part", version = "1"}`, nil, nil, "it contains acme/part@1, which is neither in the builder"},
		{"missing, though optional", `{id = "acme/a", version = "2", optional = true}`, nil, nil, "it contains acme/a@2, which is neither in the builder"},
		{"without a version", `{id = "acme/a"}`, nil, nil, "its order has acme/a without a version"},
		{"of itself", `{id = "acme/whole", version = "1"}`, nil, nil, "acme/whole@1 → acme/whole@1"},
		{"missing in package.toml", `{id = "acme/a", version = "1"}`, nil, map[string]string{"package.toml": "[[dependencies]]\nuri = \"docker://gone\"\n"}, "package.toml: gone is not there"},
		{"all of the builder in package.toml", `{id = "acme/a", version = "1"}`, nil, map[string]string{"package.toml": "[[dependencies]]\nuri = \"from=builder\"\n"}, "cannot depend on the builder's order"},
		{"broken package.toml", `{id = "acme/a", version = "1"}`, nil, map[string]string{"package.toml": "["}, "package.toml: toml: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"buildpack.toml": descriptorOf("acme/whole@1") + "[[order]]\ngroup = [" + test.refs + "]\n"}
			for name, content := range test.files {
				files[name] = content
			}
			dir := writeFiles(t, files)
			_, err := resolve(t, fakeBuilder(t, nil), Request{Buildpacks: sources(append([]string{dir}, test.others...)...)}, images)
			if test.want == "" && err != nil {
				t.Error(err)
			}
			if test.want != "" {
				wantError(t, err, test.want)
			}
		})
	}
}

// TestInline writes a buildpack of the project descriptor.
func TestInline(t *testing.T) {
	t.Parallel()
	base := fakeBuilder(t, nil)
	additions, err := resolve(t, base, Request{Buildpacks: []Source{
		{Script: &Script{ID: "me/task", API: "0.10", Inline: "echo hello"}},
		{Script: &Script{ID: "other", Version: "2", API: "0.10", Shell: "/bin/bash", Inline: "true"}},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := additions.read(t, base)
	for layer, entries := range map[int][]string{
		0: {"755 cnb/buildpacks/me_task/0.0.0/bin/build #!/bin/sh\n\necho hello\n", "755 cnb/buildpacks/me_task/0.0.0/bin/detect #!/bin/sh\n\nexit 0\n"},
		1: {"755 cnb/buildpacks/other/2/bin/build #!/bin/bash\n\ntrue\n"},
	} {
		text := strings.Join(got.layers[layer], "\n---\n")
		for _, entry := range entries {
			if !strings.Contains(text, entry) {
				t.Errorf("layer %d lacks %q:\n%s", layer, entry, text)
			}
		}
	}
	if got := strings.Join(additions.Outside, " "); got != "me/task@0.0.0 other@2" {
		t.Errorf("outside are %s", got)
	}
	for _, test := range []struct {
		script Script
		want   string
	}{
		{Script{ID: "me/task", Inline: "true"}, "buildpack me/task: its script has no api"},
		{Script{ID: "me task", API: "0.10", Inline: "true"}, `"me task" is not a valid buildpack id`},
		{Script{ID: "x", API: "0.10", Shell: "/bin/sh\n", Inline: "true"}, "its shell is not a path"},
	} {
		_, err := resolve(t, base, Request{Pre: []Source{{Script: &test.script}}}, nil)
		wantError(t, err, test.want)
		if _, ok := errors.AsType[*Error](err); !ok {
			t.Errorf("error is %#v", err)
		}
	}
}
