package acceptance

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestCacheGrammar names caches as they cannot be named: each is refused before
// anything is done, with the way out.
func TestCacheGrammar(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	cache := "type=registry,ref=" + reg.ref("cache")
	for _, test := range []refusal{
		{name: "unknown type", args: []string{"--import-cache", "type=nfs,scope=main"}, says: []string{`--import-cache: attribute type: there is no "nfs"`, "HINT: valid are: registry, "}},
		{name: "alias", args: []string{"--cache-to", "type=lcoal,dest=x"}, says: []string{`--cache-to: attribute type: there is no "lcoal"`, "HINT: did you mean local?"}},
		{name: "unknown attribute", args: []string{"--export-cache", cache + ",commpression=gzip"}, says: []string{`--export-cache type=registry: unknown attribute "commpression"`, "HINT: did you mean compression? valid are: ref, oci-mediatypes"}},
		{name: "bad mode", args: []string{"--export-cache", cache + ",mode=maximum"}, says: []string{`attribute mode: there is no "maximum"`, "valid are: min, max"}},
		{name: "bad bool", args: []string{"--export-cache", cache + ",force-compression=yes"}, says: []string{`"yes" is not true or false`, "HINT: write true or false"}},
		{name: "bad duration", args: []string{"--import-cache", cache + ",timeout=5"}, says: []string{`attribute timeout: "5" is not a duration`, "HINT: write a number with a unit"}},
		{name: "bad level", args: []string{"--export-cache", cache + ",compression-level=50"}, says: []string{"compression-level=50 is not possible", "HINT: zstd takes levels from 0 to 22"}},
		{name: "missing attribute", args: []string{"--export-cache", "type=local"}, says: []string{"attribute dest is missing", "HINT: add dest=DIRECTORY"}},
		{name: "export only", args: []string{"--import-cache", cache + ",mode=max"}, says: []string{"attribute mode is for export only", "HINT: valid are: ref"}},
		{name: "estargz with Docker's types", args: []string{"--export-cache", cache + ",compression=estargz,oci-mediatypes=false"}, says: []string{"compression=estargz is not possible", "HINT: Docker manifests have no annotations"}},
		{name: "zstd with Docker's types", args: []string{"--export-cache", cache + ",oci-mediatypes=false"}, says: []string{"compression=zstd is not possible", "HINT: Docker media types know no zstd"}},
		{name: "no image manifest", args: []string{"--export-cache", cache + ",image-manifest=false"}, says: []string{"image-manifest=false is not possible", "HINT: leave image-manifest out"}},
		{name: "two exports to one image", args: []string{"--export-cache", cache, "--cache-to", reg.ref("cache:latest")}, says: []string{"the cache would be saved to " + reg.ref("cache:latest") + " twice", "HINT: leave out one"}},
		{name: "two exports to one directory", args: []string{"--export-cache", "type=local,dest=x", "--cache-to", "type=local,dest=./y/../x"}, says: []string{"/x:latest twice", "HINT: leave out one"}},
		{name: "export by digest", args: []string{"--export-cache", reg.ref("cache@" + someDigest)}, says: []string{"has a digest", "HINT: name a tag instead"}},
		{name: "export over the app", args: []string{"--export-cache", reg.ref("app")}, says: []string{"app image and cache image are the same"}},
		{name: "password in a reference", args: []string{"--import-cache", "bob:hunter2@registry.example.com/cache"}, says: []string{"[redacted]@registry.example.com/cache", "it contains a credential"}},
		{name: "password that is cut", args: []string{"--import-cache", "type=registry,ref=x,hunter2"}, says: []string{`what follows attribute "ref" has no =`, "HINT: quote"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.code = 2
			test.args = append([]string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish"}, test.args...)
			test.check(t, reg)
		})
	}
}

// TestCompression saves in every compression, for registries of both families,
// and has the stock lifecycle and pack-cache itself restore it.
func TestCompression(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"churn": interchangedChurn, "seed": "1"}, nil)
	for _, test := range []struct {
		name, attributes        string
		manifest, config, layer types.MediaType
	}{
		{"zstd", "compression-level=19", types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayerZStd},
		{"gzip", "compression=gzip,compression-level=9", types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer},
		{"uncompressed", "compression=uncompressed", types.OCIManifestSchema1, types.OCIConfigJSON, types.OCIUncompressedLayer},
		{"estargz", "compression=estargz,compression-level=3", types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer},
		{"docker-gzip", "oci-mediatypes=false,compression=gzip", types.DockerManifestSchema2, types.DockerConfigJSON, types.DockerLayer},
		{"docker-uncompressed", "oci-mediatypes=false,compression=uncompressed", types.DockerManifestSchema2, types.DockerConfigJSON, types.DockerUncompressedLayer},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			image, kept := reg.ref("app-"+test.name), reg.ref("cache-"+test.name)
			args := []string{image, "--builder", builder, "--path", app.dir, "--publish", "--cache-required",
				"--import-cache", kept, "--export-cache", "type=registry,ref=" + kept + "," + test.attributes}
			cold, _ := newMachine(t).build(args...)
			cache := reg.cache(t, kept)
			cache.wantWhole(t)
			got := []types.MediaType{cache.manifest.MediaType, cache.manifest.Config.MediaType}
			for _, layer := range cache.manifest.Layers {
				got = append(got, layer.MediaType)
			}
			want := []types.MediaType{test.manifest, test.config}
			for range cache.manifest.Layers {
				want = append(want, test.layer)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("media types (-want +got):\n%s", diff)
			}
			warm, out := newMachine(t).build(args...)
			out.wantStderr(t, "flags: only-cache: restored", "flags: launch-cache: restored")
			if warm.Saved[0].Changed {
				t.Errorf("an unchanged cache was saved again: %+v", warm.Saved[0])
			}
			stock := reg.creator(t, builder, app, cold.Builder.PlatformAPI, "-cache-image", kept, image)
			for _, l := range interchanged {
				wantLines(t, stock, `Restoring data for "samples/`+l.buildpack+":"+l.layer+`" from cache`, l.buildpack+": "+l.layer+": restored")
			}
			wantNoLines(t, stock, "Warning", "Failed")
		})
	}
}

// TestForceCompression changes the compression of a cache that is there: of new
// layers, and on request of all.
func TestForceCompression(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, map[string]string{"churn": "stays cache keep\nchanged cache change\n", "seed": "1"}, nil)
	build := func(attributes string) map[string]types.MediaType {
		newMachine(t).build(reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish", "--cache-required",
			"--import-cache", reg.ref("cache"), "--export-cache", "type=registry,ref="+reg.ref("cache")+attributes)
		cache := reg.cache(t, reg.ref("cache"))
		cache.wantWhole(t)
		kinds := map[string]types.MediaType{}
		for _, name := range []string{"stays", "changed"} {
			for _, layer := range cache.manifest.Layers {
				if layer.Digest.String() == cache.blob("samples/churn", name) {
					kinds[name] = layer.MediaType
				}
			}
		}
		return kinds
	}
	for _, step := range []struct {
		attributes, seed string
		stays, changed   types.MediaType
	}{
		{"", "1", types.OCILayerZStd, types.OCILayerZStd},
		{",compression=gzip", "2", types.OCILayerZStd, types.OCILayer},
		{",compression=gzip,force-compression=true", "2", types.OCILayer, types.OCILayer},
		{"", "2", types.OCILayer, types.OCILayer},
	} {
		app.set(map[string]string{"seed": step.seed})
		want := map[string]types.MediaType{"stays": step.stays, "changed": step.changed}
		if diff := cmp.Diff(want, build(step.attributes)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.attributes, diff)
		}
	}
}

// TestModeMax keeps a layer that is for launch only. No build restores it, here
// or with the stock lifecycle, and it stays while it does not change.
func TestModeMax(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	const buildpack, layer = "samples/flags", "only-launch"
	args := func(mode string) []string {
		return []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish", "--cache-required",
			"--import-cache", reg.ref("cache"), "--export-cache", "type=registry,ref=" + reg.ref("cache") + ",mode=" + mode}
	}
	cold, _ := newMachine(t).build(args("max")...)
	cache := reg.cache(t, reg.ref("cache"))
	md, ok := cache.layer(buildpack, layer)
	if !ok || md.Cache || !md.Launch || cache.blob(buildpack, layer) == "" {
		t.Fatalf("the launch layer is kept: %t, as %+v", ok, md)
	}
	if !contains(diffIDs(t, reg.image(t, reg.ref("app"))), md.SHA) {
		t.Errorf("the cache has %s, the app image does not", md.SHA)
	}
	if got := layerOf(t, cold, buildpack+":"+layer); got.Restore != "" || got.Save != "added" {
		t.Errorf("%+v", got)
	}

	warm, out := newMachine(t).build(args("max")...)
	out.wantStderr(t, "flags: only-launch: known", "flags: only-cache: restored")
	if got := layerOf(t, warm, buildpack+":"+layer); got.Restore != "" || got.Save != "reused" || got.Sent != 0 {
		t.Errorf("%+v", got)
	}
	if warm.Saved[0].Changed {
		t.Errorf("an unchanged cache was saved again: %+v", warm.Saved[0])
	}

	stock := reg.creator(t, builder, app, cold.Builder.PlatformAPI, "-cache-image", reg.ref("cache"), reg.ref("app"))
	wantLines(t, stock, "flags: only-launch: known", "flags: only-cache: restored")
	wantNoLines(t, stock, `Restoring data for "samples/flags:only-launch"`, "Warning", "Failed")

	newMachine(t).build(args("max")...) // the stock lifecycle has dropped it
	newMachine(t).build(args("min")...)
	cache = reg.cache(t, reg.ref("cache"))
	cache.wantWhole(t)
	if _, ok := cache.layer(buildpack, layer); ok {
		t.Error("mode=min keeps the launch layer")
	}
}

func diffIDs(t *testing.T, img v1.Image) []string {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, diffID := range config.RootFS.DiffIDs {
		all = append(all, diffID.String())
	}
	return all
}

func contains(all []string, one string) bool { return strings.Contains(strings.Join(all, " "), one) }

// TestSeveralExports saves to three places, of which one cannot be written.
func TestSeveralExports(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	closed := closedPort(t)
	m := newMachine(t)
	args := func(ignore string) []string {
		return []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish",
			"--export-cache", "type=registry,ref=" + closed + "/cache" + ignore,
			"--export-cache", "type=local,dest=kept,compression=gzip",
			"--export-cache", reg.ref("cache")}
	}
	result, out := m.build(args("")...)
	out.wantStderr(t, "cache "+closed+"/cache:latest was not saved")
	if len(result.Saved) != 3 || result.Saved[0].Failed == "" || result.Saved[1].Failed != "" || result.Saved[2].Failed != "" {
		t.Errorf("exports %+v", result.Saved)
	}
	reg.cache(t, reg.ref("cache")).wantWhole(t)
	img, digest := localImage(t, filepath.Join(m.home, "kept"), "latest")
	kept := cacheOf(t, img)
	kept.wantWhole(t)
	if got := kept.manifest.Layers[0].MediaType; got != types.OCILayer || digest == result.Saved[2].Digest {
		t.Errorf("a layer in the directory is of type %s", got)
	}

	out = newMachine(t).run(append([]string{"build"}, args(",ignore-error=false")...)...)
	out.wantCode(t, 3)
	out.wantStderr(t, "ERROR: the image was built, but the cache was not saved to "+closed+"/cache:latest", "HINT: ")
	if !strings.HasPrefix(out.stdout, reg.ref("app@sha256:")) {
		t.Errorf("the image is not printed: %q", out.stdout)
	}
	out = newMachine(t).run(append([]string{"build", "--cache-required"}, args("")...)...)
	out.wantCode(t, 3)

	out = newMachine(t).run("build", reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish",
		"--export-cache", "type=registry,timeout=1ns,ignore-error=false,ref="+reg.ref("late"))
	out.wantCode(t, 3)
	out.wantStderr(t, "its timeout of 1ns is over")
	if reg.digest(t, reg.ref("late")) != "" {
		t.Error("a cache was saved too late")
	}
}

// TestInsecureCache reaches a cache by TLS that nobody can verify.
func TestInsecureCache(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	closed := newRegistry(t, testregistry.Options{TLS: true, Auth: testregistry.Basic, Users: []testregistry.User{alice}})
	args := func(attributes string) []string {
		where := "type=registry,ref=" + closed.ref("cache") + attributes
		return []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish", "--cache-from", where, "--cache-to", where}
	}
	m := newMachine(t)
	m.logIn(alice, closed.Addr)
	_, out := m.build(args("")...)
	out.wantStderr(t, "was not saved")
	out = m.run(append([]string{"build", "--cache-required"}, args(",registry.insecure=true")...)...)
	out.wantCode(t, 0)
	_, out = m.build(args(",registry.insecure=true")...)
	out.wantStderr(t, "flags: only-cache: restored")
}
