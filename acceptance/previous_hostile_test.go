package acceptance

import (
	"archive/tar"
	"encoding/json"
	"strings"
	"testing"

	lifecycleplatform "github.com/buildpacks/lifecycle/platform"
	platformfiles "github.com/buildpacks/lifecycle/platform/files"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// escapes are entries of an SBOM layer that want to be somewhere else.
var escapes = []tar.Header{
	file("/workspace/escape"), file("/layers/escape"), file("/layers/sbom/launch/../../../state/escape"),
	file("/state/analyzed.toml"), file("/layers/group.toml"),
	link("/layers/sbom/launch/samples_flags/link", "/workspace"), file("/layers/sbom/launch/samples_flags/link/sbom.cdx.json"),
	link("/layers/sbom/launch/samples_flags/only-launch/sbom.spdx.json", "/etc/passwd"),
	link("/layers/samples_flags", "/"),
	{Typeflag: tar.TypeLink, Name: "/layers/sbom/launch/samples_flags/hard/sbom.cdx.json", Linkname: "/workspace/hello.txt"},
	{Typeflag: tar.TypeChar, Name: "/layers/sbom/launch/samples_flags/device/sbom.cdx.json", Mode: 0o666, Devmajor: 1, Devminor: 3},
	{Typeflag: tar.TypeFifo, Name: "/layers/sbom/launch/samples_flags/pipe/sbom.cdx.json", Mode: 0o666},
	{Typeflag: tar.TypeDir, Name: "/layers/sbom/launch", Mode: 0},
}

// TestPreviousHostile builds on a previous image whose SBOM layer wants to write
// elsewhere, on every engine: what are SBOMs in it comes back, and nothing else.
func TestPreviousHostile(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"build-run": showInBuild + "; find / -name 'escape*' 2>/dev/null | sed 's/^/planted: /'"}, nil)
	good, _ := newMachine(t).build(reg.ref("good"), "--builder", builder, "--path", app.dir, "--publish")
	img := reg.image(t, reg.ref("good"))
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	var md platformfiles.LayersMetadata
	if err := json.Unmarshal([]byte(config.Config.Labels[lifecycleplatform.LifecycleMetadataLabel]), &md); err != nil {
		t.Fatal(err)
	}
	hostile := remade(t, img, func(diffID string, archive []byte) []byte {
		if diffID != md.BOM.SHA {
			return archive
		}
		return eachEntry(t, archive, func(*tar.Header) {}, escapes...)
	})
	for where, machine := range everywhere(t, builder, reg) {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			image := reg.ref(repositoryOf(t))
			reg.pushImage(t, image, hostile)
			result, out := machine(t).build(image, "--builder", builder, "--trust-builder", "--path", app.dir, "--publish")
			out.wantStderr(t, "The SBOM layer of the previous image has ", "flags: only-launch: known", "build: run: looked")
			for line := range strings.Lines(out.stderr) {
				if strings.Contains(line, "planted: ") && !strings.Contains(line, "/link") && !strings.Contains(line, "/dangling") {
					t.Error(line)
				}
			}
			if result.Digest != good.Digest {
				t.Errorf("the app image is %s instead of %s", result.Digest, good.Digest)
			}
		})
	}
}

// TestPreviousNames builds on a previous image whose label names layers that are
// somewhere else, or whose data no TOML file can hold.
func TestPreviousNames(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	args := []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}
	good, _ := newMachine(t).build(args...)
	hostile := relabelled(t, reg.image(t, reg.ref("app")), lifecycleplatform.LifecycleMetadataLabel, func(label string) string {
		return strings.Replace(label, `"layers":{`, `"layers":{`+
			`"../../state/analyzed":{"sha":"sha256:0","data":{"a":1},"launch":true},`+
			`"store":{"sha":"sha256:0","data":{"a":1},"launch":true},`+
			`"nil":{"sha":"sha256:0","data":{"a":[null,1]},"launch":true},`, 1)
	})
	reg.pushImage(t, reg.ref("app"), hostile)
	result, out := newMachine(t).build(args...)
	out.wantStderr(t, "The previous image names layers that cannot be reused: ", `:../../state/analyzed"`, `:store"`, `:nil"`)
	if result.Digest != good.Digest {
		t.Errorf("the app image is %s instead of %s", result.Digest, good.Digest)
	}
}
