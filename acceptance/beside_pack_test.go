package acceptance

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

// packer is pack itself with a home and a daemon.
type packer struct{ home, daemon string }

// run runs pack and returns what it prints.
func (p packer) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testservers.Find(t, "pack"), args...)
	cmd.Dir = p.home
	cmd.Env = append(os.Environ(), "HOME="+p.home, "PACK_HOME="+filepath.Join(p.home, ".pack"), "DOCKER_HOST="+p.daemon)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("pack %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestBesidePack builds the same with pack itself and with pack-cache: with the
// same builder, which pack has made, application, registry and daemon. The app
// images are equal, each reads the other's cache, and pack's other commands work
// on our image.
func TestBesidePack(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.packMade(t, packMade{})
	app := newApp(t, map[string]string{"churn": interchangedChurn, "seed": "1"}, map[string]string{"src/a": "a"})
	on := daemonGrounds(t)[0]
	pack := packer{t.TempDir(), on.daemon.Host}
	args := func(name, cache string, more ...string) []string {
		return append([]string{reg.ref(name), "--builder", builder, "--trust-builder", "--path", app.dir, "--publish", "--cache-image", reg.ref(cache)}, more...)
	}
	theirs := func(name, cache string, more ...string) string {
		return pack.run(t, append([]string{"build", "--network", "host", "--no-color"}, args(name, cache, more...)...)...)
	}
	ours := func(name, cache string, more ...string) outcome {
		_, out := on.machine(t).build(args(name, cache, more...)...)
		return out
	}
	for _, step := range []string{"cold", "warm", "changed"} {
		if step == "changed" {
			app.set(map[string]string{"seed": "2"})
		}
		said, out := theirs("theirs", "theirs-cache"), ours("ours", "ours-cache")
		if diff := cmp.Diff(layerStates(said), layerStates(out.stderr)); diff != "" {
			t.Errorf("what buildpacks find, %s (-pack +ours):\n%s", step, diff)
		}
		reg.wantSameAsPack(t, reg.ref("theirs"), reg.ref("ours"))
	}

	// Each goes on where the other has stopped.
	app.set(map[string]string{"seed": "3"})
	said, out := theirs("ours", "ours-cache"), ours("theirs", "theirs-cache")
	for _, l := range interchanged {
		line := l.buildpack + ": " + l.layer + ": restored"
		wantLines(t, said, line)
		out.wantStderr(t, line)
	}
	reg.wantSameAsPack(t, reg.ref("ours"), reg.ref("theirs"))

	reg.pushImage(t, reg.ref("made/another"), reg.image(t, reg.ref("made/run")))
	theirs("theirs", "theirs-cache", "--run-image", reg.ref("made/another"))
	ours("ours", "ours-cache", "--run-image", reg.ref("made/another"))
	reg.wantSameAsPack(t, reg.ref("theirs"), reg.ref("ours"))

	ours("ours", "ours-cache")
	wantLines(t, pack.run(t, "inspect", reg.ref("ours")), "samples/flags", reg.ref("made/run"))
	dir := t.TempDir()
	pack.run(t, "sbom", "download", reg.ref("ours"), "--remote", "--output-dir", dir)
	if _, err := os.Stat(filepath.Join(dir, "layers/sbom/launch/samples_flags")); err != nil {
		t.Errorf("the SBOM that pack downloads: %v", err)
	}
	reg.pushImage(t, reg.ref("made/newer"), reg.image(t, reg.ref("made/run")))
	pack.run(t, "rebase", reg.ref("ours"), "--publish", "--run-image", reg.ref("made/newer"), "--force")
	on.docker(t, nil, "pull", "--quiet", reg.ref("ours"))
	on.docker(t, nil, "run", "--rm", "--entrypoint", "launcher", reg.ref("ours"), "true")
}

// TestProjectMetadataBesidePack has pack and pack-cache say of the same source where
// it comes from.
func TestProjectMetadataBesidePack(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.packMade(t, packMade{})
	on := daemonGrounds(t)[0]
	app := newApp(t, nil, map[string]string{"project.toml": "[_]\nschema-version = \"0.2\"\nversion = \"1.2\"\nsource-url = \"https://example.com/me\"\n"})
	for _, args := range []string{"init -q -b main", "remote add origin https://example.com/me.git", "commit -q --allow-empty -m x", "tag a", "tag -a z -m z"} {
		git := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-C", app.dir}, strings.Fields(args)...)...)
		if out, err := git.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	machine := on.machine(t)
	machine.write(".pack/config.toml", "experimental = true\n", 0o600)
	args := func(name string) []string {
		return []string{reg.ref(name), "--builder", builder, "--trust-builder", "--path", app.dir, "--publish"}
	}
	packer{machine.home, on.daemon.Host}.run(t, append([]string{"build", "--network", "host"}, args("theirs")...)...)
	machine.build(args("ours")...)
	var labels []string
	for _, name := range []string{"theirs", "ours"} {
		config, err := reg.image(t, reg.ref(name)).ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		labels = append(labels, config.Config.Labels["io.buildpacks.project.metadata"])
	}
	if labels[0] != labels[1] || !strings.Contains(labels[0], `"describe":"z"`) {
		t.Errorf("pack says %s\nand pack-cache %s", labels[0], labels[1])
	}
}

// TestRebasedCache rebases an app image that is a cache: what is beside it stays
// with the old one, and what is in it is found.
func TestRebasedCache(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	image := reg.ref("app")
	args := []string{
		image, "--builder", builder, "--trust-builder", "--path", newApp(t, nil, nil).dir, "--publish",
		"--import-cache", "type=registry,ref=" + image, "--export-cache", "type=inline,mode=max",
	}
	newMachine(t).build(args...)
	_, out := newMachine(t).build(args...)
	out.wantStderr(t, "flags: only-cache: restored", "flags: launch-cache: restored")

	newer := reg.ref("newer-run")
	reg.change(t, reg.ref("samples/tiny-run"), newer, func(config *v1.ConfigFile) { config.Config.Labels["changed"] = "true" })
	packer{t.TempDir(), "unix:///nowhere"}.run(t, "rebase", image, "--publish", "--run-image", newer, "--force")
	_, out = newMachine(t).build(args...)
	out.wantStderr(t, "flags: only-cache: new", "flags: launch-cache: restored")
}

// wantSameAsPack fails unless two app images are equal but for what is meant to
// differ: pack makes the directory of the application one that everybody can
// write to, pack-cache leaves it to the build user as the lifecycle does.
func (r *registry) wantSameAsPack(t *testing.T, pack, ours string) {
	t.Helper()
	const app = "/workspace"
	theirImage, ourImage := r.appImage(t, pack), r.appImage(t, ours)
	their, our := r.layersWith(t, pack, app), r.layersWith(t, ours, app)
	if len(their) == 0 || len(their) != len(our) {
		t.Fatalf("%s is in %d layers of pack's image and %d of ours", app, len(their), len(our))
	}
	for i := range their {
		if their[i].mode != 0o777 || our[i].mode != 0o755 {
			t.Errorf("%s has mode %o in pack's image and %o in ours", app, their[i].mode, our[i].mode)
		}
		if diff := cmp.Diff(their[i].entries, our[i].entries); diff != "" {
			t.Errorf("a layer with %s (-pack +ours):\n%s", app, diff)
		}
	}
	if diff := cmp.Diff(leftOut(t, theirImage, their), leftOut(t, ourImage, our), launcherSource); diff != "" {
		t.Errorf("app image (-pack +ours):\n%s", diff)
	}
}

// appLayer is a layer of an app image with a directory, whose mode is apart from
// the headers of all other entries.
type appLayer struct {
	diffID, digest v1.Hash
	entries        []string
	mode           int64
}

// layersWith finds the layers that have a directory.
func (r *registry) layersWith(t *testing.T, ref, dir string) (found []appLayer) {
	t.Helper()
	layers, err := r.image(t, ref).Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range layers {
		entries, at := headersOf(t, layer, dir)
		if at == nil {
			continue
		}
		diffID, err := layer.DiffID()
		digest, digestErr := layer.Digest()
		if err := errors.Join(err, digestErr); err != nil {
			t.Fatal(err)
		}
		found = append(found, appLayer{diffID, digest, entries, at.Mode})
	}
	return found
}

// headersOf returns the headers of a layer as text, and apart from them that of
// one entry, nil if the layer lacks it.
func headersOf(t *testing.T, layer v1.Layer, apart string) (entries []string, at *tar.Header) {
	t.Helper()
	content, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	for archive := tar.NewReader(content); ; {
		header, err := archive.Next()
		if err == io.EOF {
			return entries, at
		}
		if err != nil {
			t.Fatal(err)
		}
		if path.Clean(header.Name) == apart {
			at = header
			continue
		}
		entries = append(entries, fmt.Sprintf("%s %c %o %d:%d %s %d %d", header.Name, header.Typeflag, header.Mode,
			header.Uid, header.Gid, header.Linkname, header.Size, header.ModTime.Unix()))
	}
}

// leftOut returns the image with nothing that depends on the bytes of some layers.
func leftOut(t *testing.T, img appImage, layers []appLayer) map[string]any {
	t.Helper()
	var names []string
	for at, l := range layers {
		for i := range img.Layers {
			if img.Layers[i].Digest == l.digest {
				img.Layers[i].Size = 0
			}
		}
		name := fmt.Sprintf("of layer %d", at)
		names = append(names, l.digest.Hex, name, l.diffID.Hex, name)
	}
	raw, err := json.Marshal(img)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal([]byte(strings.NewReplacer(names...).Replace(string(raw))), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestConfigBesidePack has pack and pack-cache write the same config.toml in turn.
// Neither loses what the other has written.
func TestConfigBesidePack(t *testing.T) {
	t.Parallel()
	machine := newMachine(t)
	pack := packer{machine.home, "unix:///nowhere"}
	pack.run(t, "config", "trusted-builders", "add", "registry.example.com/of-pack")
	machine.run("config", "trusted-builders", "add", "registry.example.com/ours").wantCode(t, 0)
	pack.run(t, "config", "run-image-mirrors", "add", "registry.example.com/run", "--mirror", "mirror.example.com/run")
	machine.run("config", "pull-policy", "if-not-present").wantCode(t, 0)
	pack.run(t, "config", "experimental", "true")
	for what, list := range map[string]string{
		"pack":       pack.run(t, "config", "trusted-builders", "list"),
		"pack-cache": machine.run("config", "trusted-builders", "list").stdout,
	} {
		for _, trusted := range []string{"registry.example.com/of-pack", "registry.example.com/ours"} {
			if !strings.Contains(list, trusted) {
				t.Errorf("%s does not list %s:\n%s", what, trusted, list)
			}
		}
	}
	wantLines(t, pack.run(t, "config", "pull-policy"), "if-not-present")
	wantLines(t, machine.run("config", "run-image-mirrors", "list").stdout, "mirror.example.com/run")
}
