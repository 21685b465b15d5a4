package acceptance

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestPaketoEngines builds with buildpacks of Paketo on every kind of engine: cold,
// and warm as a machine that has never built before. The image is the same
// everywhere.
func TestPaketoEngines(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.paketoMade(t)
	a := paketoApp(t)
	ranAgainstPaketo(t, "cold and warm builds in the sandbox, with Docker and Podman, in place and by takeover: the same image")
	want, _ := ground{name: "sandbox"}.machine(t).build(append(paketoArgs(reg, "sandbox", a), "--builder", builder)...)
	build := func(t *testing.T, name string, machine func(*testing.T) *machine, more ...string) {
		args := append(paketoArgs(reg, name, a), more...)
		cold, out := machine(t).build(args...)
		out.wantStderr(t, "the library is being downloaded", "javac: ")
		same(t, "the cold image", cold.Digest, want.Digest)
		warm, out := machine(t).build(args...)
		out.wantStderr(t, "the library is there already", "the source is compiled already", "JRE 17.0.9: Reusing cached layer")
		wantFates(t, warm, fate{"restored", "reused"}, fate{"restored", "reused"})
		same(t, "the warm image", warm.Digest, want.Digest)
	}
	for _, on := range daemonGrounds(t) {
		t.Run(on.name, func(t *testing.T) {
			t.Parallel()
			build(t, on.name, on.machine, "--builder", builder)
		})
	}
	containers := confinements(t, builder, reg)
	t.Run("inplace", func(t *testing.T) {
		t.Parallel()
		build(t, "inplace", containers["inplace restricted"].machine)
	})
	t.Run("takeover", func(t *testing.T) {
		t.Parallel()
		build(t, "takeover", containers["takeover restricted"].machine, "--builder", builder)
	})
}

// TestPaketoBindings gives a service binding to buildpacks with --volume, and
// names what of the source stays in the image.
func TestPaketoBindings(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.paketoMade(t)
	a := paketoApp(t)
	ranAgainstPaketo(t, "a service binding by --volume in the sandbox and with Docker; files of the source that stay")
	bindings := openDir(t)
	for name, content := range map[string]string{"type": "postgresql", "provider": "acme", "host": "db.example.com", "password": "hunter2"} {
		path := filepath.Join(bindings, "main", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var digest string
	for _, on := range []ground{{name: "sandbox"}, daemonGrounds(t)[0]} {
		got, out := on.machine(t).build(append(paketoArgs(reg, on.name, a), "--builder", builder, "--volume", bindings+":/platform/bindings")...)
		out.wantStderr(t, "web: bound to main of acme")
		reg.wantPaketoImage(t, reg.ref("app-"+on.name), "db.example.com")
		if digest != "" {
			same(t, "the image of "+on.name, got.Digest, digest)
		}
		digest = got.Digest
	}
	newMachine(t).build(reg.ref("kept"), "--builder", builder, "--path", a.dir, "--publish", "--env", "BP_INCLUDE_FILES=static/*:Main.java")
	files := start(t, reg.image(t, reg.ref("kept")), "launcher", "find", "/workspace")
	wantLines(t, files, "/workspace/static/page.html", "/workspace/Main.java")
	wantNoLines(t, files, "notes", ".profile")
}
