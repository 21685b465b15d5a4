package acceptance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestJava builds a real application with Maven: cold, then on a machine that
// has never built before, which downloads nothing, and then with a dependency
// more.
func TestJava(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{Auth: testregistry.Basic, Users: []testregistry.User{alice}})
	builder := reg.java(t)
	proxy := testregistry.NewFaults(t, reg.Registry)
	app := &app{t, openDir(t)}
	if err := os.CopyFS(app.dir, os.DirFS("../internal/test/samples/apps/java-maven")); err != nil {
		t.Fatal(err)
	}
	newBuild := func() *machine {
		m := newMachine(t)
		m.logIn(alice, reg.Addr, proxy.Addr)
		m.trust(builder)
		return m
	}
	args := []string{proxy.Addr + "/app", "--builder", builder, "--path", app.dir, "--cache-image", proxy.Addr + "/cache", "--publish"}
	const jdk, repository = "samples/java-maven:jdk", "samples/java-maven:maven_m2"

	cold, out := newBuild().build(args...)
	out.wantStderr(t, "maven_m2: starting empty", "Downloaded from ")
	if diff := cmp.Diff(map[string]fate{jdk: {"missed", "added"}, repository: {"missed", "added"}}, fates(cold)); diff != "" {
		t.Errorf("cold build (-want +got):\n%s", diff)
	}
	if size := layerOf(t, cold, repository).Size; size < 50e6 {
		t.Errorf("%s is kept in %d bytes, which proves little", repository, size)
	}

	proxy.Reset()
	warm, out := newBuild().build(args...)
	out.wantNoStderr(t, "Downloading from ", "Downloaded from ")
	out.wantStderr(t, "maven_m2: 0 artifacts downloaded")
	if diff := cmp.Diff(map[string]fate{jdk: {"restored", "reused"}, repository: {"restored", "reused"}}, fates(warm)); diff != "" {
		t.Errorf("warm build (-want +got):\n%s", diff)
	}
	if warm.Saved[0].Changed || warm.Saved[0].Digest != cold.Saved[0].Digest {
		t.Errorf("an unchanged cache was saved again: %+v", warm.Saved[0])
	}
	if warm.Image != cold.Image {
		t.Errorf("the same source gave %s and then %s", cold.Image, warm.Image)
	}
	if n := proxy.Uploaded(); n != 0 {
		t.Errorf("%d bytes of blobs were uploaded, though nothing changed", n)
	}
	wantLines(t, start(t, reg.image(t, reg.ref("app")), defaultProcess), "A tour of libraries on Java", " stops made")

	app.addDependency("com.google.zxing", "core", "3.5.3")
	proxy.Reset()
	changed, out := newBuild().build(args...)
	out.wantStderr(t, "com/google/zxing/core/3.5.3/core-3.5.3.jar")
	out.wantNoStderr(t, "guava-33.2.1-jre.jar (")
	if diff := cmp.Diff(map[string]fate{jdk: {"restored", "reused"}, repository: {"restored", "updated"}}, fates(changed)); diff != "" {
		t.Errorf("build with a dependency more (-want +got):\n%s", diff)
	}
	cache := reg.cache(t, reg.ref("cache"))
	cache.wantWhole(t)
	config := cache.manifest.Config.Digest.String()
	if diff := cmp.Diff(sorted(config, cache.blob("samples/java-maven", "maven_m2")), pushed(proxy, "cache")); diff != "" {
		t.Errorf("blobs of the cache that were sent (-want +got):\n%s", diff)
	}
}

// addDependency adds a dependency to the app's pom.xml.
func (a *app) addDependency(group, artifact, version string) {
	a.t.Helper()
	pom, err := os.ReadFile(filepath.Join(a.dir, "pom.xml"))
	if err != nil {
		a.t.Fatal(err)
	}
	before, after, ok := strings.Cut(string(pom), "</dependencies>")
	if !ok {
		a.t.Fatal("pom.xml has no dependencies")
	}
	added := "<dependency><groupId>" + group + "</groupId><artifactId>" + artifact + "</artifactId><version>" + version + "</version></dependency>\n"
	a.write("pom.xml", before+added+"</dependencies>"+after)
}
