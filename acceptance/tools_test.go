package acceptance

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/test/testneeds"
	"github.com/pack-cache/pack-cache/internal/test/testran"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

// TestOtherTools has the tools of other projects read, check and copy everything
// that pack-cache writes: images, caches in every compression, the artifact beside
// an app image, OCI layouts and files. Copies are the same to the byte, and those
// of caches are caches.
func TestOtherTools(t *testing.T) {
	t.Parallel()
	made := makeEverything(t, &registry{&testregistry.Registry{Addr: testservers.NewOlareg(t)}, authn.NewMultiKeychain()})
	for _, peer := range []struct {
		name, done string
		version    func(*testing.T) string
		test       func(*everything, *testing.T)
	}{
		{
			"skopeo", "`inspect`, `copy --all --preserve-digests` from registry to directory and back, of images, caches and the artifact; layouts and files to a registry; a build from the copy of a cache",
			func(t *testing.T) string { return testran.Program(t, installed(t, "skopeo"), "--version") }, (*everything).withSkopeo,
		},
		{
			"crane", "`validate`, `copy`, `pull --format oci`, `push` of layouts",
			func(t *testing.T) string {
				return testran.Module(t, "crane", "github.com/google/go-containerregistry")
			}, (*everything).withCrane,
		},
		{
			"oras", "`discover`, `copy --recursive` of an app image with the cache beside it, by way of a layout; a build from the copy",
			func(t *testing.T) string { return testran.Module(t, "oras", "oras.land/oras") }, (*everything).withORAS,
		},
		{
			"image-spec schema", "manifests, configs, indexes and layouts are valid",
			func(t *testing.T) string {
				return testran.Module(t, "imageschema", "github.com/opencontainers/image-spec")
			}, (*everything).withSchema,
		},
		{
			"buildah", "`pull` of images, caches, layouts and files; `from` an app image on a run image with Docker's media types",
			func(t *testing.T) string { return testran.Program(t, installed(t, "buildah"), "--version") }, (*everything).withBuildah,
		},
		{
			"containerd", "`ctr images pull` with all layers unpacked, of app images and caches; `import` of files",
			func(t *testing.T) string { return testran.Program(t, installed(t, "containerd"), "--version") }, (*everything).withContainerd,
		},
	} {
		t.Run(peer.name, func(t *testing.T) {
			t.Parallel()
			testran.Against(t, testran.Row{Subject: "Images, caches and layouts", Peer: peer.name, Version: peer.version(t), Done: peer.done})
			peer.test(made, t)
		})
	}
}

// installed is where a program of the machine is.
func installed(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		testneeds.Missing(t, "%s is not installed: %v", program, err)
	}
	return path
}

// tool runs a program and returns what it prints.
func tool(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, args...).Output()
	if err != nil {
		said := ""
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			said = string(exit.Stderr)
		}
		t.Fatalf("%s %s: %v: %s%s", filepath.Base(program), strings.Join(args, " "), err, said, out)
	}
	return strings.TrimSpace(string(out))
}

// wantSame fails unless two references stand for the same manifest.
func (r *registry) wantSame(t *testing.T, what, from, to string) {
	t.Helper()
	if want, got := r.digest(t, from), r.digest(t, to); got == "" || got != want {
		t.Errorf("%s: %s became %q", what, want, got)
	}
}

// copied is the reference that the copy of something gets.
func (e *everything) copied(by, what string) string {
	return e.reg.ref(by + "/" + strings.ReplaceAll(strings.ReplaceAll(what, " ", "-"), "'", "") + ":copy")
}

// wantBuilds builds with a copy of a cache on a fresh machine.
func (e *everything) wantBuilds(t *testing.T, cache string) {
	t.Helper()
	result, _ := newMachine(t).build(e.copied("built", "app")+"-"+filepath.Base(filepath.Dir(cache)), "--builder", e.builder, "--path", e.app.dir, "--publish",
		"--import-cache", cache, "--cache-required")
	for _, layer := range []string{"samples/churn:stays", "samples/flags:only-cache", "samples/flags:launch-cache"} {
		if got := layerOf(t, result, layer); got.Restore != "restored" {
			t.Errorf("from %s: %+v", cache, got)
		}
	}
}

func (e *everything) withSkopeo(t *testing.T) {
	skopeo := func(args ...string) string {
		return tool(t, "skopeo", append([]string{"--insecure-policy"}, args...)...)
	}
	copies := []string{"copy", "--quiet", "--all", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false"}
	for what, ref := range e.manifests() {
		var said struct{ Digest string }
		if what != "artifact" { // skopeo knows nothing but images
			decode(t, skopeo("inspect", "--tls-verify=false", "docker://"+ref), &said)
			if said.Digest != e.reg.digest(t, ref) {
				t.Errorf("%s: skopeo says that the digest is %s", what, said.Digest)
			}
		}
		middle := "oci:" + t.TempDir() + ":x"
		if strings.Contains(what, "docker") {
			middle = "dir:" + t.TempDir() // an OCI layout has OCI's types only
		}
		to := e.copied("skopeo", what)
		skopeo(append(copies, "docker://"+ref, middle)...)
		skopeo(append(copies, middle, "docker://"+to)...)
		e.reg.wantSame(t, what, ref, to)
	}
	e.wantBuilds(t, e.copied("skopeo", "zstd"))
	for what, dir := range e.layouts {
		_, digest := localImage(t, dir, "latest")
		skopeo("inspect", "oci:"+dir+":latest")
		to := e.copied("skopeo", "layout "+what)
		skopeo(append(copies, "oci:"+dir+":latest", "docker://"+to)...)
		e.reg.wantSame(t, "layout "+what, e.reg.ref("skopeo/layout-"+what+"@"+digest), to)
	}
	e.wantBuilds(t, e.copied("skopeo", "layout cache"))
	for what, file := range map[string]string{"oci": e.oci, "docker": e.docker} {
		to := e.copied("skopeo", "file "+what)
		skopeo(append(copies, what+"-archive:"+file, "docker://"+to)...)
		got, err := e.reg.image(t, to).ConfigName()
		want, wantErr := e.reg.image(t, e.copied("skopeo", "layout app")).ConfigName()
		if err := errors.Join(err, wantErr); err != nil || got != want {
			t.Errorf("%s: image %s, want %s, error %v", what, got, want, err)
		}
	}
}

func (e *everything) withCrane(t *testing.T) {
	crane := func(args ...string) string { return tool(t, testservers.Find(t, "crane"), args...) }
	for what, ref := range e.manifests() {
		validate := []string{"validate", "--remote", ref}
		if what == "zstd" || what == "uncompressed" || what == "artifact" {
			validate = append(validate, "--fast") // it knows no layers but those of gzip
		}
		crane(validate...)
		to := e.copied("crane", what)
		crane("copy", ref, to)
		e.reg.wantSame(t, what, ref, to)
		dir := filepath.Join(t.TempDir(), "layout")
		crane("pull", "--format", "oci", ref, dir)
		pushed := e.copied("crane-layout", what)
		crane("push", dir, pushed)
		e.reg.wantSame(t, what, ref, pushed)
	}
	for what, dir := range e.layouts {
		_, digest := localImage(t, dir, "latest")
		to := e.copied("crane", "layout "+what)
		if said := crane("push", dir, to); !strings.HasSuffix(said, "@"+digest) {
			t.Errorf("layout %s: pushed as %s", what, said)
		}
	}
}

func (e *everything) withORAS(t *testing.T) {
	oras := func(args ...string) string { return tool(t, testservers.Find(t, "oras"), args...) }
	type found struct {
		Referrers []struct{ Digest, ArtifactType string }
	}
	want := found{Referrers: []struct{ Digest, ArtifactType string }{{
		e.artifact[strings.Index(e.artifact, "@")+1:], "application/vnd.pack-cache.cache.v1",
	}}}
	discover := func(args ...string) {
		t.Helper()
		var got found
		decode(t, oras(append([]string{"discover", "--format", "json"}, args...)...), &got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("oras discover %q (-want +got):\n%s", args, diff)
		}
	}
	discover("--plain-http", e.images["app"])
	layout := t.TempDir() + "/layout:x"
	oras("copy", "--recursive", "--from-plain-http", "--to-oci-layout", e.images["app"], layout)
	discover("--oci-layout", layout)
	to := e.copied("oras", "app")
	oras("copy", "--recursive", "--from-oci-layout", "--to-plain-http", layout, to)
	discover("--plain-http", to)
	e.reg.wantSame(t, "app", e.images["app"], to)
	e.wantBuilds(t, to)
	for what, ref := range e.images {
		oras("copy", "--from-plain-http", "--to-plain-http", ref, e.copied("oras", what))
		e.reg.wantSame(t, what, ref, e.copied("oras", what))
	}
	for what, dir := range e.layouts {
		_, digest := localImage(t, dir, "latest")
		if got := oras("resolve", "--oci-layout", dir+":latest"); got != digest {
			t.Errorf("layout %s: %s instead of %s", what, got, digest)
		}
	}
}

func (e *everything) withSchema(t *testing.T) {
	dir := t.TempDir()
	var pairs []string
	add := func(mediaType string, content []byte) {
		file := filepath.Join(dir, string(rune('a'+len(pairs))))
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, mediaType, file)
	}
	addImage := func(img interface {
		RawManifest() ([]byte, error)
		RawConfigFile() ([]byte, error)
	}) {
		manifest, err := img.RawManifest()
		config, configErr := img.RawConfigFile()
		if err := errors.Join(err, configErr); err != nil {
			t.Fatal(err)
		}
		var said struct{ MediaType string }
		decode(t, string(manifest), &said)
		if strings.Contains(said.MediaType, ".oci.") {
			add(said.MediaType, manifest)
		}
		add("application/vnd.oci.image.config.v1+json", config)
	}
	for _, ref := range e.manifests() {
		addImage(e.reg.image(t, ref))
	}
	for _, layout := range e.layouts {
		img, _ := localImage(t, layout, "latest")
		addImage(img)
		for name, mediaType := range map[string]string{
			"index.json": "application/vnd.oci.image.index.v1+json", "oci-layout": "application/vnd.oci.layout.header.v1+json",
		} {
			content, err := os.ReadFile(filepath.Join(layout, name))
			if err != nil {
				t.Fatal(err)
			}
			add(mediaType, content)
		}
	}
	tool(t, testservers.Find(t, "imageschema"), pairs...)
}

func (e *everything) withBuildah(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root has a store of images everywhere")
	}
	dir := openDir(t)
	buildah := func(args ...string) string {
		return tool(t, "buildah", append([]string{"--root", dir + "/root", "--runroot", dir + "/run", "--storage-driver", "vfs"}, args...)...)
	}
	for what, ref := range e.images {
		buildah("pull", "--quiet", "--tls-verify=false", "docker://"+ref)
		// With both families in one manifest, as the lifecycle leaves it, buildah
		// cannot go on.
		if what == "app" {
			continue
		}
		container := buildah("from", "--tls-verify=false", "--pull-never", ref)
		if got := buildah("inspect", "--format", "{{.FromImageDigest}}", container); got != e.reg.digest(t, ref) {
			t.Errorf("%s: buildah works on %s", what, got)
		}
	}
	for what, layout := range e.layouts {
		img, _ := localImage(t, layout, "latest")
		id, err := img.ConfigName()
		if got := buildah("pull", "--quiet", "oci:"+layout+":latest"); err != nil || got != id.Hex {
			t.Errorf("layout %s: buildah pulled %s instead of %s, error %v", what, got, id.Hex, err)
		}
	}
	buildah("pull", "--quiet", "oci-archive:"+e.oci)
	buildah("pull", "--quiet", "docker-archive:"+e.docker)
}

func (e *everything) withContainerd(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can run containerd")
	}
	dir := openDir(t)
	socket := filepath.Join(dir, "sock")
	ctr := func(args ...string) string {
		return tool(t, installed(t, "ctr"), append([]string{"--address", socket, "--namespace", "test"}, args...)...)
	}
	config := filepath.Join(dir, "config.toml")
	writeFile(t, config, "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n")
	testservers.Start(t, testservers.Command{
		Path: installed(t, "containerd"), Dir: dir,
		Args:  []string{"--config", config, "--address", socket, "--root", dir + "/root", "--state", dir + "/state"},
		Ready: testservers.Listens(socket),
	})
	for what, ref := range e.images {
		ctr("images", "pull", "--plain-http", "--snapshotter", "native", ref)
		if got := ctr("images", "ls", "name=="+ref); !strings.Contains(got, e.reg.digest(t, ref)) {
			t.Errorf("%s: containerd has\n%s", what, got)
		}
	}
	for _, file := range []string{e.oci, e.docker} {
		ctr("images", "import", "--snapshotter", "native", file)
	}
}
