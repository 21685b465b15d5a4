package project

import (
	"strings"
	"testing"
)

// FuzzParse reads whatever a source can have as its project.toml. What is taken
// keeps its promises.
func FuzzParse(f *testing.F) {
	f.Add("[_]\nschema-version = \"0.2\"\n[io.buildpacks]\nbuilder = \"b\"\ninclude = [\"*.go\"]\n[[io.buildpacks.group]]\nid = \"a/b\"\nversion = \"1\"\n")
	f.Add("[project]\nversion = \"1\"\n[build]\nexclude = [\"x\"]\n[[build.env]]\nname = \"A\"\nvalue = \"b\"\n[[build.buildpacks]]\nuri = \"dir\"\n")
	f.Add("[_]\nschema-version = \"0.3\"\n[[io.buildpacks.build.env]]\nname = \"A\"\nvalue = \"b\"\nexec-env = [\"test\"]\n[[io.buildpacks.group]]\nid = \"x\"\n[io.buildpacks.group.script]\napi = \"0.10\"\ninline = \"echo\"\n")
	f.Add("a = " + strings.Repeat("[", 5000))
	f.Add("[_]\nschema-version = \"9\"\n")
	f.Fuzz(func(t *testing.T, content string) {
		d, err := parse(content)
		if err != nil {
			return
		}
		if len(d.Include) > 0 && len(d.Exclude) > 0 {
			t.Errorf("include %q and exclude %q", d.Include, d.Exclude)
		}
		for _, variable := range d.Env {
			if variable.Name == "" || strings.ContainsAny(variable.Name, "=\x00") {
				t.Errorf("a variable %q", variable.Name)
			}
		}
	})
}
