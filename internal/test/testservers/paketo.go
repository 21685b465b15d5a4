package testservers

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testprocess"
)

// Buildpack is one that `pack builder create` takes.
type Buildpack struct {
	ID, Version string
	// Optional tells whether it is so in the builder's order.
	Optional bool
	// Dir has buildpack.toml and bin.
	Dir string
}

// PaketoBuildpacks lays out buildpacks of Paketo, or on Paketo's libraries, in the
// order in which they build, below a directory of the test: samples/jvm, which
// provides what the archives jdk and jre have; samples/web or samples/maven, which
// need that; and paketo-buildpacks/source-removal.
func PaketoBuildpacks(t testing.TB, jdk, jre string) []Buildpack {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	return []Buildpack{
		paketoJVM(t, at("jvm-source"), at("jvm"), jdk, jre),
		paketoLibrary(t, at("web"), "web", "greet"),
		paketoLibrary(t, at("maven"), "maven", "mvn", "syft"),
		paketoSourceRemoval(t, at("source-removal")),
	}
}

// paketoJVM has Paketo's own packager put the buildpack together, with the
// archives in it as in their offline buildpacks.
func paketoJVM(t testing.TB, source, to, jdk, jre string) Buildpack {
	t.Helper()
	const version, java = "1.0.0", "17.0.9"
	descriptor := descriptorIn(t, filepath.Join(paketo(t), "jvm"))
	for id, archive := range map[string]string{"jdk": jdk, "jre": jre} {
		content, err := os.ReadFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		descriptor += fmt.Sprintf("\n[[metadata.dependencies]]\n  id = %q\n  name = \"A stand-in for a %s\"\n  version = %q\n  uri = %q\n  sha256 = %q\n"+
			"  stacks = [\"*\"]\n  purl = \"pkg:generic/stand-in@%s\"\n  cpes = [\"cpe:2.3:a:samples:%s:%s:*:*:*:*:*:*:*\"]\n"+
			"  [[metadata.dependencies.licenses]]\n    type = \"Apache-2.0\"\n",
			id, strings.ToUpper(id), java, "file://"+archive, hex.EncodeToString(sum[:]), java, id, java)
	}
	layOut(t, source, descriptor, "main", Find(t, "paketo-jvm"))
	copyProgram(t, Find(t, "paketo-jvm-helper"), filepath.Join(source, "bin", "helper"))
	create := exec.CommandContext(t.Context(), Find(t, "paketo-create-package"), "--source", source, "--destination", to, "--version", version, "--include-dependencies")
	if out, err := create.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", create, err, out)
	}
	return Buildpack{ID: "samples/jvm", Version: version, Dir: to}
}

// paketoLibrary is a buildpack of ours on one of Paketo's libraries; links are
// what else its program is called.
func paketoLibrary(t testing.TB, to, name string, links ...string) Buildpack {
	t.Helper()
	layOut(t, to, descriptorIn(t, filepath.Join(paketo(t), name)), "run", Find(t, "paketo-"+name))
	for _, link := range links {
		if err := os.Symlink("run", filepath.Join(to, "bin", link)); err != nil {
			t.Fatal(err)
		}
	}
	return Buildpack{ID: "samples/" + name, Version: "1.0.0", Optional: true, Dir: to}
}

// paketoSourceRemoval is a whole buildpack of Paketo's, with its own buildpack.toml.
// Its packager adds the version.
func paketoSourceRemoval(t testing.TB, to string) Buildpack {
	t.Helper()
	const module = "github.com/paketo-buildpacks/source-removal"
	download := exec.CommandContext(t.Context(), "go", "mod", "download", module)
	list := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}} {{.Version}}", module)
	download.Dir, list.Dir = paketo(t), paketo(t)
	if err := testprocess.Run(download); err != nil {
		t.Fatal(err)
	}
	out, err := list.Output()
	dir, version, found := strings.Cut(strings.TrimSpace(string(out)), " v")
	if err != nil || !found {
		t.Fatalf("%s: %v: %s", list, err, out)
	}
	descriptor := strings.Replace(descriptorIn(t, dir), "[buildpack]\n", fmt.Sprintf("[buildpack]\nversion = %q\n", version), 1)
	layOut(t, to, descriptor, "run", Find(t, "paketo-source-removal"))
	return Buildpack{ID: "paketo-buildpacks/source-removal", Version: version, Dir: to}
}

// layOut writes buildpack.toml and the program, with the links that Paketo's
// packagers make.
func layOut(t testing.TB, dir, descriptor, name, program string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "buildpack.toml"), []byte(descriptor), 0o644); err != nil {
		t.Fatal(err)
	}
	copyProgram(t, program, filepath.Join(dir, "bin", name))
	for _, phase := range []string{"detect", "build"} {
		if err := os.Symlink(name, filepath.Join(dir, "bin", phase)); err != nil {
			t.Fatal(err)
		}
	}
}

func copyProgram(t testing.TB, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o755); err != nil {
		t.Fatal(err)
	}
}

// paketo is the module that the tools are pinned in.
func paketo(t testing.TB) string {
	t.Helper()
	root, err := ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	return Tool{Name: "paketo"}.dir(root)
}

// descriptorIn reads buildpack.toml.
func descriptorIn(t testing.TB, dir string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "buildpack.toml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
