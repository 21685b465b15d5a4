package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/internal/test/samples"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// write pushes an image or an index.
func (r *registry) write(t *testing.T, repository string, image remote.Taggable) string {
	t.Helper()
	ref, err := name.ParseReference(r.ref(repository))
	if err != nil {
		t.Fatal(err)
	}
	options := []remote.Option{remote.WithAuthFromKeychain(r.keychain), remote.WithTransport(r.Transport())}
	if index, ok := image.(v1.ImageIndex); ok {
		err = remote.WriteIndex(ref, index, options...)
	} else {
		err = remote.Write(ref, image.(v1.Image), options...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ref.String()
}

// packMade has pack make a builder of what the tiny builder is made of.
type packMade struct {
	// packaged has every buildpack packaged by pack first, flat has pack put
	// several of them into one layer.
	packaged, flat bool
	extensions     bool
	// lifecycle is another version of it, and buildpackAPIs have a buildpack each.
	lifecycle     string
	buildpackAPIs []string
	// stack has builder.toml name the images by a stack alone, as it once was.
	stack bool
	// targets are what the builder is made for, if it is more than this machine.
	targets []string
}

// packMade returns the reference of the builder.
func (r *registry) packMade(t *testing.T, how packMade) string {
	t.Helper()
	dir := t.TempDir()
	assembling.Lock()
	made, err := samples.TinyIngredients(t.Context(), samples.Options{
		RunImage: r.ref("made/run"), Extensions: how.extensions, Lifecycle: how.lifecycle, BuildpackAPIs: how.buildpackAPIs,
	}, dir)
	assembling.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	return r.packMadeOf(t, made, how)
}

// packMadeOf has pack make a builder of something else.
func (r *registry) packMadeOf(t *testing.T, made *samples.Ingredients, how packMade) string {
	t.Helper()
	dir := t.TempDir()
	pack := packer{dir, "unix:///nowhere"}
	base := r.write(t, "made/base", forTargets(t, made.Base, how.targets))
	run := r.write(t, "made/run", forTargets(t, made.Run, how.targets))
	var config strings.Builder
	for i, buildpack := range made.Buildpacks {
		if how.packaged {
			packaged := filepath.Join(dir, fmt.Sprintf("%d.cnb", i))
			pack.run(t, "buildpack", "package", packaged, "--format", "file", "--path", buildpack)
			buildpack = packaged
		}
		fmt.Fprintf(&config, "[[buildpacks]]\nuri = %q\n", buildpack)
	}
	for _, extension := range made.Extensions {
		fmt.Fprintf(&config, "[[extensions]]\nuri = %q\n", extension)
	}
	fmt.Fprint(&config, "[[order]]\n")
	for i, module := range made.Modules {
		id, _, _ := strings.Cut(module, "@")
		fmt.Fprintf(&config, "[[order.group]]\nid = %q\noptional = %t\n", id, made.Optional[i])
	}
	if how.extensions {
		fmt.Fprint(&config, "[[order-extensions]]\n[[order-extensions.group]]\nid = \"samples/extend\"\n")
	}
	fmt.Fprintf(&config, "[lifecycle]\nuri = %q\n[stack]\nid = %q\nbuild-image = %q\nrun-image = %q\n", made.Lifecycle, made.StackID, base, run)
	if !how.stack {
		fmt.Fprintf(&config, "[build]\nimage = %q\n[[run.images]]\nimage = %q\n", base, run)
	}
	for _, target := range how.targets {
		os, architecture, _ := strings.Cut(target, "/")
		fmt.Fprintf(&config, "[[targets]]\nos = %q\narch = %q\n", os, architecture)
	}
	file := filepath.Join(dir, "builder.toml")
	if err := os.WriteFile(file, []byte(config.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"builder", "create", r.ref("made/builder"), "--config", file, "--publish"}
	if how.flat {
		args = append(args, "--flatten", strings.Join(made.Modules, ","))
	}
	pack.run(t, args...)
	return r.ref("made/builder")
}

// forTargets makes an image into an index for several targets, which all have
// the same content.
func forTargets(t *testing.T, img v1.Image, targets []string) remote.Taggable {
	t.Helper()
	if len(targets) == 0 {
		return img
	}
	var index v1.ImageIndex = empty.Index
	for _, target := range targets {
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		config = config.DeepCopy()
		config.OS, config.Architecture, _ = strings.Cut(target, "/")
		one, err := mutate.ConfigFile(img, config)
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: one, Descriptor: v1.Descriptor{Platform: config.Platform()}})
	}
	return index
}

// TestPackMade builds with builders that pack itself has made; with the plain one
// on every engine, with an old one on each kind. The image is the same everywhere,
// and so is the cache.
func TestPackMade(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]packMade{
		"plain":      {},
		"packaged":   {packaged: true},
		"flattened":  {packaged: true, flat: true},
		"for two":    {targets: []string{"linux/amd64", "linux/arm64"}},
		"extensions": {extensions: true},
		"old":        {lifecycle: "0.17.7", buildpackAPIs: []string{"0.7", "0.8", "0.9", "0.10"}, stack: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := newRegistry(t, testregistry.Options{})
			builder := reg.packMade(t, how)
			app := newApp(t, nil, map[string]string{"src/a": "a", "src/b": "b"})
			args := func(name string, more ...string) []string {
				return append([]string{reg.ref("app-" + name), "--path", app.dir, "--cache-image", reg.ref("cache-" + name), "--publish"}, more...)
			}
			want, out := ground{name: "sandbox"}.machine(t).build(args("sandbox", "--builder", builder)...)
			out.wantStderr(t, "make: rebuilt 2 of 2, linked yes")
			warm, _ := ground{name: "sandbox"}.machine(t).build(args("sandbox", "--builder", builder, "--trust-builder")...)
			same(t, "the warm image", warm.Digest, want.Digest)
			if name != "plain" && name != "old" {
				return
			}
			for where, in := range confinements(t, builder, reg) {
				engine, _, _ := strings.Cut(where, " ")
				if name != "plain" && where != "inplace restricted" {
					continue
				}
				args := args(strings.ReplaceAll(where, " ", "-"))
				if engine == "takeover" {
					args = append(args, "--builder", builder)
				}
				got, out := in.machine(t).build(append(args, "--import-cache", "type=registry,ref="+reg.ref("cache-sandbox"))...)
				out.wantStderr(t, "Engine "+engine+": ", "make: rebuilt 0 of 2, linked no")
				same(t, "the image of "+where, got.Digest, want.Digest)
			}
			for _, on := range daemonGrounds(t) {
				got, _ := on.machine(t).build(args(on.name, "--builder", builder)...)
				same(t, "the image of "+on.name, got.Digest, want.Digest)
			}
		})
	}
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %s instead of %s", what, got, want)
	}
}
