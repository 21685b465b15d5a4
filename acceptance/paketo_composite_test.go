package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/samples"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestPaketoComposite builds with a composite buildpack, as Paketo's builders are
// made of: in a builder, flattened there, and as a file and an image beside a
// builder that has nothing of it. The image is that of its parts.
func TestPaketoComposite(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	parts := reg.paketoIngredients(t)
	a := paketoApp(t)
	ranAgainstPaketo(t, "a composite buildpack packaged by pack: in a builder, flattened, as a file and as an image")
	build := func(name string, more ...string) string {
		result, _ := newMachine(t).build(append(paketoArgs(reg, name, a), more...)...)
		return result.Digest
	}
	want := build("parts", "--builder", reg.packMadeOf(t, parts, packMade{}))

	dir := t.TempDir()
	pack := packer{dir, "unix:///nowhere"}
	config := compositeOf(t, dir, parts)
	file, image := filepath.Join(dir, "suite.cnb"), reg.ref("made/suite")
	pack.run(t, "buildpack", "package", file, "--format", "file", "--config", config)
	pack.run(t, "buildpack", "package", image, "--publish", "--config", config)
	flat := filepath.Join(dir, "flat.cnb")
	pack.run(t, "config", "experimental", "true")
	pack.run(t, "buildpack", "package", flat, "--format", "file", "--config", config, "--flatten")
	suite := *parts
	suite.Buildpacks, suite.Modules, suite.Optional = []string{file}, []string{"samples/suite@1.0.0"}, []bool{false}
	same(t, "the image of the composite buildpack", build("suite", "--builder", reg.packMadeOf(t, &suite, packMade{})), want)
	suite.Buildpacks = []string{flat}
	same(t, "the image of the flattened one", build("flat", "--builder", reg.packMadeOf(t, &suite, packMade{})), want)

	tiny := reg.packMade(t, packMade{})
	for name, buildpack := range map[string]string{"file": file, "image": image} {
		same(t, "the image of the "+name, build(name, "--builder", tiny, "--buildpack", buildpack), want)
	}
}

// compositeOf writes a composite buildpack of others, in their order, and returns
// the package.toml that pack makes it with.
func compositeOf(t *testing.T, dir string, parts *samples.Ingredients) string {
	t.Helper()
	descriptor := &strings.Builder{}
	fmt.Fprint(descriptor, "api = \"0.8\"\n[buildpack]\nid = \"samples/suite\"\nversion = \"1.0.0\"\nname = \"All of it\"\n[[order]]\n")
	config := &strings.Builder{}
	source := filepath.Join(dir, "suite")
	fmt.Fprintf(config, "[buildpack]\nuri = %q\n", source)
	for i, module := range parts.Modules {
		id, version, _ := strings.Cut(module, "@")
		fmt.Fprintf(descriptor, "[[order.group]]\nid = %q\nversion = %q\noptional = %t\n", id, version, parts.Optional[i])
		fmt.Fprintf(config, "[[dependencies]]\nuri = %q\n", parts.Buildpacks[i])
	}
	file := filepath.Join(dir, "package.toml")
	for path, content := range map[string]string{filepath.Join(source, "buildpack.toml"): descriptor.String(), file: config.String()} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return file
}
