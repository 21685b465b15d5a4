package acceptance

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/samples"
	"github.com/pack-cache/pack-cache/internal/test/testran"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
	"github.com/pack-cache/pack-cache/platform"
)

// paketoMade has pack make a builder of buildpacks of Paketo.
func (r *registry) paketoMade(t *testing.T) string {
	t.Helper()
	return r.packMadeOf(t, r.paketoIngredients(t), packMade{})
}

// paketoIngredients are what the builder is made of.
func (r *registry) paketoIngredients(t *testing.T) *samples.Ingredients {
	t.Helper()
	dir := t.TempDir()
	assembling.Lock()
	made, err := samples.TinyIngredients(t.Context(), samples.Options{RunImage: r.ref("made/run")}, dir)
	assembling.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	jdk, jre, err := samples.JavaStandIns(dir)
	if err != nil {
		t.Fatal(err)
	}
	made.Buildpacks, made.Modules, made.Optional = nil, nil, nil
	for _, b := range testservers.PaketoBuildpacks(t, jdk, jre) {
		made.Buildpacks = append(made.Buildpacks, b.Dir)
		made.Modules = append(made.Modules, b.ID+"@"+b.Version)
		made.Optional = append(made.Optional, b.Optional)
	}
	return made
}

// ranAgainstPaketo says what of Paketo took part.
func ranAgainstPaketo(t *testing.T, done string) {
	t.Helper()
	const owner = "github.com/paketo-buildpacks/"
	for _, part := range []struct{ peer, tool, module string }{
		{"Paketo's source-removal, the whole buildpack", "paketo-source-removal", owner + "source-removal"},
		{"Paketo's libjvm, with its helpers", "paketo-jvm", owner + "libjvm"},
		{"Paketo's libpak", "paketo-jvm", owner + "libpak"},
		{"Paketo's packit", "paketo-web", owner + "packit/v2"},
		{"libcnb", "paketo-jvm", "github.com/buildpacks/libcnb"},
	} {
		testran.Against(t, testran.Row{
			Subject: "Buildpacks", Peer: part.peer, Version: testran.Module(t, part.tool, part.module), Done: done,
		})
	}
}

// paketoApp is an application for them.
func paketoApp(t *testing.T) *app {
	t.Helper()
	a := &app{t, openDir(t)}
	a.write("Main.java", "class Main {}\n")
	a.write("static/page.html", "a page\n")
	a.write("notes/secret.txt", "not for the image\n")
	a.write(".profile", "export BY_APP=\"profile of the app\"\n")
	return a
}

// paketoArgs are the arguments of a build of it.
func paketoArgs(reg *registry, name string, a *app) []string {
	return []string{reg.ref("app-" + name), "--path", a.dir, "--publish", "--cache-image", reg.ref("cache-" + name),
		"--env", "BP_EXCLUDE_FILES=notes:Main.java", "--env", "BP_TITLE=a server"}
}

// TestPaketo builds with buildpacks of Paketo in a builder that pack has made:
// cold, then warm as a machine that has never built before, then with another
// source. There are layers of every kind, SBOMs in every format, a slice, labels,
// programs in exec.d, and profile scripts.
func TestPaketo(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.paketoMade(t)
	a := paketoApp(t)
	ranAgainstPaketo(t, "cold and warm builds in the sandbox: every kind of layer, SBOM and launch metadata")
	args := append(paketoArgs(reg, "sandbox", a), "--builder", builder)
	first, second := newMachine(t), newMachine(t)
	cold, out := first.build(append(args, "--sbom-output-dir", "sboms")...)
	out.wantStderr(t, "the library is being downloaded", "javac: /workspace/Main.java in /layers/samples_jvm/jdk", "Reusing cached download from buildpack")
	wantFates(t, cold, fate{"missed", "added"}, fate{"missed", "added"})

	warm, out := second.build(append(args, "--sbom-output-dir", "sboms")...)
	out.wantStderr(t, "the library is there already", "the source is compiled already", "JDK 17.0.9: Reusing cached layer", "JRE 17.0.9: Reusing cached layer")
	out.wantNoStderr(t, "Contributing", "Reloading")
	wantFates(t, warm, fate{"restored", "reused"}, fate{"restored", "reused"})
	same(t, "the warm image", warm.Digest, cold.Digest)
	sboms := filesBelow(t, filepath.Join(first.home, "sboms"))
	if diff := cmp.Diff(paketoSBOMs, slices.Sorted(maps.Keys(sboms))); diff != "" {
		t.Errorf("SBOMs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(sboms, filesBelow(t, filepath.Join(second.home, "sboms"))); diff != "" {
		t.Errorf("SBOMs of the warm build (-cold +warm):\n%s", diff)
	}
	reg.wantPaketoImage(t, reg.ref("app-sandbox"), "nowhere")

	a.write("Main.java", "class Main { int changed; }\n")
	changed, out := newMachine(t).build(args...)
	out.wantStderr(t, "the library is there already", "javac: ", "JDK 17.0.9: Reusing cached layer")
	wantFates(t, changed, fate{"restored", "reused"}, fate{"restored", "updated"})
}

// paketoLayers are the layers that are cached, but for the one with what was
// compiled.
var paketoLayers = []string{"samples/jvm:jdk", "samples/web:downloads"}

// wantFates fails unless the cached layers went as they should.
func wantFates(t *testing.T, result *platform.Result, fixed, compiled fate) {
	t.Helper()
	want := map[string]fate{"samples/web:compiled": compiled, "buildpacksio/lifecycle:cache.sbom": fixed}
	for _, layer := range paketoLayers {
		want[layer] = fixed
	}
	if diff := cmp.Diff(want, fates(result)); diff != "" {
		t.Errorf("cached layers (-want +got):\n%s", diff)
	}
}

// paketoSBOMs are all of the SBOMs: those of layers, of the launch and of the
// build.
var paketoSBOMs = []string{
	"build/samples_jvm/jdk/sbom.syft.json",
	"build/samples_web/sbom.cdx.json", "build/samples_web/sbom.spdx.json", "build/samples_web/sbom.syft.json",
	"build/sbom.legacy.json",
	"cache/samples_jvm/jdk/sbom.syft.json",
	"cache/samples_web/compiled/sbom.cdx.json", "cache/samples_web/compiled/sbom.spdx.json", "cache/samples_web/compiled/sbom.syft.json",
	"launch/samples_jvm/helper/sbom.syft.json", "launch/samples_jvm/jre/sbom.syft.json",
	"launch/samples_web/compiled/sbom.cdx.json", "launch/samples_web/compiled/sbom.spdx.json", "launch/samples_web/compiled/sbom.syft.json",
	"launch/samples_web/sbom.cdx.json", "launch/samples_web/sbom.spdx.json", "launch/samples_web/sbom.syft.json",
	"launch/sbom.legacy.json",
}

// wantPaketoImage fails unless the image has what buildpacks have asked for.
func (r *registry) wantPaketoImage(t *testing.T, ref, host string) {
	t.Helper()
	img := r.image(t, ref)
	wantLines(t, start(t, img, defaultProcess), "java: JAVA_HOME=/layers/samples_jvm/jre\n", "-XX:MaxDirectMemorySize=", "java: GREETING=hello to "+host+"\n",
		"a library\n", "CA certificates to JVM truststore")
	wantLines(t, start(t, img, "task"), "task: hello to "+host+", profile of the layer, profile of the app\n")
	files := start(t, img, "launcher", "find", "/workspace")
	wantLines(t, files, "/workspace/static/page.html", "/workspace/.profile")
	wantNoLines(t, files, "notes", "Main.java")
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if title := config.Config.Labels["org.opencontainers.image.title"]; title != "a server" {
		t.Errorf("the label of the buildpack is %q", title)
	}
	page, profile := r.layersWith(t, ref, "/workspace/static/page.html"), r.layersWith(t, ref, "/workspace/.profile")
	if len(page) != 1 || len(profile) != 1 || page[0].diffID == profile[0].diffID {
		t.Errorf("the slice is not a layer of its own: its file is in %d layers, another in %d", len(page), len(profile))
	}
}
