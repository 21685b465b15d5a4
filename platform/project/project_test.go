package project_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/platform/project"
)

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), project.DefaultFile)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, content string
		want          project.Descriptor
	}{
		{"0.1 without saying so", `
[build]
builder = "acme/builder"
exclude = ["*.log"]
[[build.buildpacks]]
id = "acme/java"
version = "1"
[[build.env]]
name = "A"
value = "1"
`, project.Descriptor{
			Builder: "acme/builder", Exclude: []string{"*.log"},
			Env:   []project.Variable{{Name: "A", Value: "1"}},
			Group: []project.Buildpack{{ID: "acme/java", Version: "1"}},
		}},
		{"0.2", `
[_]
schema-version = "0.2"
[io.buildpacks]
include = ["src/"]
wrong = true
[[io.buildpacks.group]]
id = "inline"
[io.buildpacks.group.script]
api = "0.10"
inline = "echo"
[[io.buildpacks.pre.group]]
uri = "docker://acme/pre"
[[io.buildpacks.env.build]]
name = "OLD"
value = "spelling"
`, project.Descriptor{
			Include: []string{"src/"},
			Env:     []project.Variable{{Name: "OLD", Value: "spelling"}},
			Group:   []project.Buildpack{{ID: "inline", Script: project.Script{API: "0.10", Inline: "echo"}}},
			Pre:     []project.Buildpack{{URI: "docker://acme/pre"}},
			Ignored: []string{"io.buildpacks.wrong"},
		}},
		{"0.2 without saying so", `
[io.buildpacks]
builder = "acme/builder"
`, project.Descriptor{Ignored: []string{"io.buildpacks.builder"}}},
		{"0.3", `
[_]
schema-version = "0.3"
[[io.buildpacks.build.env]]
name = "T"
value = "1"
exec-env = ["test"]
`, project.Descriptor{Env: []project.Variable{{Name: "T", Value: "1", ExecEnv: []string{"test"}}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := project.Read(t.Context(), write(t, tt.content))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("descriptor (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, content, want string }{
		{"not TOML", "[", "project.toml"},
		{"unknown schema", "[_]\nschema-version = \"9\"", `"9" is not known`},
		{"include and exclude", "[build]\ninclude=[]\nexclude=[]", "cannot both be given"},
		{"nameless buildpack", "[[build.buildpacks]]\nversion=\"1\"", "needs an id or a uri"},
		{"uri and version", "[[build.buildpacks]]\nuri=\"x\"\nversion=\"1\"", "both a uri and a version"},
		{"variable that is a path", "[[build.env]]\nname=\"../x\"\nvalue=\"1\"", "not a valid name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := project.Read(t.Context(), write(t, tt.content))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	found, err := project.Find(t.Context(), "", t.TempDir())
	if err != nil || !cmp.Equal(found, &project.Descriptor{}) {
		t.Errorf("without a descriptor: %+v, %v", found, err)
	}
	if _, err := project.Find(t.Context(), filepath.Join(t.TempDir(), "other.toml"), t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a named descriptor that is not there: %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	d := project.Descriptor{Env: []project.Variable{
		{Name: "ALL", Value: "1"}, {Name: "TEST", Value: "2", ExecEnv: []string{"test"}},
	}}
	if diff := cmp.Diff(map[string]string{"ALL": "1"}, d.Environment("production")); diff != "" {
		t.Errorf("production (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"ALL": "1", "TEST": "2"}, d.Environment("test")); diff != "" {
		t.Errorf("test (-want +got):\n%s", diff)
	}
}

func TestFilter(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		descriptor project.Descriptor
		path       string // a directory if it ends with a slash
		want       bool
	}{
		{"everything", project.Descriptor{}, "a/b", true},
		{"empty lists", project.Descriptor{Include: []string{}}, "a/b", true},
		{"excluded", project.Descriptor{Exclude: []string{"*.log"}}, "a/b.log", false},
		{"not excluded", project.Descriptor{Exclude: []string{"*.log"}}, "a/b.txt", true},
		{"excluded but for one", project.Descriptor{Exclude: []string{"*.log", "!keep.log"}}, "keep.log", true},
		{"excluded at the top", project.Descriptor{Exclude: []string{"/a"}}, "a", false},
		{"not excluded elsewhere", project.Descriptor{Exclude: []string{"/a"}}, "b/a", true},
		{"excluded directory", project.Descriptor{Exclude: []string{"logs/"}}, "logs/", false},
		{"in an excluded directory", project.Descriptor{Exclude: []string{"logs/"}}, "logs/deep/file", false},
		{"file with the name of an excluded directory", project.Descriptor{Exclude: []string{"logs/"}}, "logs", true},
		{"directory whose content is excluded", project.Descriptor{Exclude: []string{"logs/*"}}, "logs/", true},
		{"an escaped blank at the end", project.Descriptor{Exclude: []string{`a\ `}}, "a ", false},
		{"without the blank", project.Descriptor{Exclude: []string{`a\ `}}, "a", true},
		{"back out of an excluded directory", project.Descriptor{Exclude: []string{"logs/", "!logs/keep"}}, "logs/keep", true},
		{"included", project.Descriptor{Include: []string{"src/"}}, "src/main.go", true},
		{"included directory", project.Descriptor{Include: []string{"src/"}}, "src/", true},
		{"not included", project.Descriptor{Include: []string{"src/"}}, "doc/x", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path, dir := strings.CutSuffix(tt.path, "/")
			if got := tt.descriptor.Filter()(path, dir); got != tt.want {
				t.Errorf("filter(%q) = %v, want %v", tt.path, got, tt.want)
			}
		})
	}
}

func TestApplicable(t *testing.T) {
	t.Parallel()
	all := []project.Buildpack{{ID: "always"}, {ID: "test", ExecEnv: []string{"test"}}}
	if diff := cmp.Diff(all[:1], project.Applicable(all, "production")); diff != "" {
		t.Errorf("production (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(all, project.Applicable(all, "test")); diff != "" {
		t.Errorf("test (-want +got):\n%s", diff)
	}
}
