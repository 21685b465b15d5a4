package acceptance

import (
	"path/filepath"
	"testing"
)

// everything is one of each thing that pack-cache writes.
type everything struct {
	reg *registry
	// images are the references of what is in the registry, the artifact apart,
	// by what they are.
	images map[string]string
	// artifact is the reference, with a digest, of the cache beside the app image.
	artifact string
	// layouts are directories with an OCI layout, each with the tag latest.
	layouts map[string]string
	// oci and docker are files with the app image, as OCI and as Docker have it.
	oci, docker string
	// builder and app are what all of it was made with.
	builder string
	app     *app
}

// makeEverything builds to a registry, to directories and to files.
func makeEverything(t *testing.T, reg *registry) *everything {
	t.Helper()
	dir := openDir(t)
	e := &everything{
		reg: reg, builder: reg.tiny(t, nil), app: newApp(t, map[string]string{"churn": "stays cache keep\n"}, nil),
		oci: filepath.Join(dir, "oci.tar"), docker: filepath.Join(dir, "docker.tar"),
		layouts: map[string]string{"cache": filepath.Join(dir, "cache"), "app": filepath.Join(dir, "app")},
		images: map[string]string{
			"app": reg.ref("app:latest"), "app on docker's run image": reg.ref("app-docker:latest"),
			"zstd": reg.ref("cache:zstd"), "gzip": reg.ref("cache:gzip"), "estargz": reg.ref("cache:estargz"),
			"uncompressed": reg.ref("cache:uncompressed"), "docker": reg.ref("cache:docker"),
		},
	}
	args := []string{"--builder", e.builder, "--path", e.app.dir}
	result, _ := newMachine(t).build(append(args, e.images["app"], "--publish", "--cache-required",
		"--export-cache", "type=inline,mode=max",
		"--export-cache", "type=local,dest="+e.layouts["cache"],
		"--export-cache", "type=registry,ref="+e.images["zstd"],
		"--export-cache", "type=registry,compression=gzip,ref="+e.images["gzip"],
		"--export-cache", "type=registry,compression=estargz,ref="+e.images["estargz"],
		"--export-cache", "type=registry,compression=uncompressed,ref="+e.images["uncompressed"],
		"--export-cache", "type=registry,compression=gzip,oci-mediatypes=false,ref="+e.images["docker"])...)
	e.artifact = reg.ref("app@" + reg.beside(t, result.Digest)[0].Digest.String())
	newMachine(t).build(append(args, "oci:"+e.layouts["app"])...)
	newMachine(t).build(append(args, reg.ref("named:latest"), "--output", "type=oci,dest="+e.oci)...)
	newMachine(t).build(append(args, reg.ref("named:latest"), "--output", "type=docker,dest="+e.docker)...)

	// remade makes images as Docker has them.
	run := remade(t, reg.image(t, reg.ref("samples/tiny-run")), func(_ string, archive []byte) []byte { return archive })
	reg.pushImage(t, reg.ref("docker-run"), run)
	newMachine(t).build(append(args, e.images["app on docker's run image"], "--publish", "--run-image", reg.ref("docker-run"))...)
	return e
}

// manifests are the references of everything in the registry.
func (e *everything) manifests() map[string]string {
	all := map[string]string{"artifact": e.artifact}
	for what, ref := range e.images {
		all[what] = ref
	}
	return all
}
