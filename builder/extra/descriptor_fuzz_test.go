package extra

import (
	"strings"
	"testing"
)

// FuzzDescriptor reads whatever a buildpack can have as its buildpack.toml. What
// is taken names a place of its own below /cnb/buildpacks.
func FuzzDescriptor(f *testing.F) {
	f.Add([]byte("api = \"0.10\"\n[buildpack]\nid = \"a/b\"\nversion = \"1\"\n"))
	f.Add([]byte("api = \"0.10\"\n[buildpack]\nid = \"..\"\nversion = \"../..\"\n[[order]]\n[[order.group]]\nid = \"x\"\nversion = \"1\"\n"))
	f.Add([]byte("a = " + strings.Repeat("[", 5000)))
	f.Fuzz(func(t *testing.T, content []byte) {
		d, err := readDescriptor(buildpacks, content)
		if err != nil {
			return
		}
		dir := strings.ReplaceAll(d.Buildpack.ID, "/", "_")
		if dir == "" || dir == "." || dir == ".." || strings.ContainsAny(d.Buildpack.Version, "/\x00") {
			t.Errorf("taken: %q %q", d.Buildpack.ID, d.Buildpack.Version)
		}
	})
}
