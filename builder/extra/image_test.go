package extra

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/hint"
)

// TestBuildpackage lays buildpackages over a builder: only what it does not
// have, and in the place of what it has under the same name.
func TestBuildpackage(t *testing.T) {
	t.Parallel()
	one, two := fakeLayer(t, "acme/one@1"), fakeLayer(t, "acme/two@1")
	flat := fakeLayer(t, "acme/two@1=other", "acme/three@1")
	images := map[string]v1.Image{
		"one":  fakePackage(t, map[string]v1.Layer{"acme/one@1": one}, "acme/one@1", nil),
		"both": fakePackage(t, map[string]v1.Layer{"acme/one@1": one, "acme/two@1": two}, "acme/two@1", nil),
		"flat": fakePackage(t, map[string]v1.Layer{"acme/two@1": flat, "acme/three@1": flat}, "acme/three@1", nil),
		"same": fakePackage(t, map[string]v1.Layer{"acme/a@1": fakeModules(t)["acme/a@1"], "acme/one@1": one}, "acme/a@1", nil),
		"a":    fakePackage(t, map[string]v1.Layer{"acme/a@1": fakeLayer(t, "acme/a@1=other")}, "acme/a@1", nil),
	}
	const (
		hasOne   = "0 cnb/buildpacks/acme_one/1/bin/build of acme/one@1"
		hasTwo   = "0 cnb/buildpacks/acme_two/1/bin/build of acme/two@1"
		hasOther = "0 cnb/buildpacks/acme_two/1/bin/build otherof acme/two@1"
		hasThree = "0 cnb/buildpacks/acme_three/1/bin/build of acme/three@1"
		hidesTwo = "644 cnb/buildpacks/acme_two/.wh.1 "
	)
	for _, test := range []struct {
		name     string
		refs     []string
		layers   [][]string
		outside  string
		order    string
		warnings int
	}{
		{"one", []string{"docker://one"}, [][]string{{hasOne}}, "acme/one@1", "acme/one@1", 0},
		{"one, twice", []string{"docker://one", "docker://one"}, [][]string{{hasOne}}, "acme/one@1", "acme/one@1, acme/one@1", 0},
		{"with dependency", []string{"docker://both"}, [][]string{{hasOne}, {hasTwo}}, "acme/one@1 acme/two@1", "acme/two@1", 0},
		{"shared dependency", []string{"docker://one", "docker://both"}, [][]string{{hasOne}, {hasTwo}}, "acme/one@1 acme/two@1", "acme/one@1, acme/two@1", 0},
		{"several in one layer", []string{"docker://flat"}, [][]string{{hasOther, hasThree}}, "acme/three@1 acme/two@1", "acme/three@1", 0},
		{"the same name, another content", []string{"docker://both", "docker://flat"}, [][]string{{hasOne}, {hasTwo}, {hidesTwo}, {hasOther, hasThree}},
			"acme/one@1 acme/two@1 acme/three@1", "acme/two@1, acme/three@1", 1},
		{"what the builder has", []string{"docker://same"}, [][]string{{hasOne}}, "acme/one@1", "acme/a@1", 0},
		{"in the place of the builder's", []string{"docker://a"}, [][]string{{"644 cnb/buildpacks/acme_a/.wh.1 "}, {"0 cnb/buildpacks/acme_a/1/bin/build otherof acme/a@1"}},
			"acme/a@1", "acme/a@1", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			base, heard := fakeBuilder(t, nil), &reporter{}
			additions, err := resolve(t, base, Request{Buildpacks: sources(test.refs...), Progress: heard}, images)
			if err != nil {
				t.Fatal(err)
			}
			got := additions.read(t, base)
			if diff := cmp.Diff(test.layers, got.layers); diff != "" {
				t.Errorf("layers (-want +got):\n%s", diff)
			}
			if got := strings.Join(additions.Outside, " "); got != test.outside {
				t.Errorf("outside are %q, want %q", got, test.outside)
			}
			for name := range strings.SplitSeq(test.order, ", ") {
				id, _, _ := strings.Cut(name, "@")
				if !strings.Contains(got.order, `id = "`+id+`"`) {
					t.Errorf("the order lacks %s:\n%s", name, got.order)
				}
			}
			if len(heard.warnings) != test.warnings {
				t.Errorf("warnings: %q", heard.warnings)
			}
		})
	}
}

func TestBuildpackageRefuses(t *testing.T) {
	t.Parallel()
	good := map[string]v1.Layer{"acme/one@1": fakeLayer(t, "acme/one@1")}
	change := func(f func(*v1.ConfigFile)) v1.Image {
		img := fakePackage(t, good, "acme/one@1", nil)
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		config = config.DeepCopy()
		f(config)
		if img, err = mutate.ConfigFile(img, config); err != nil {
			t.Fatal(err)
		}
		return img
	}
	label := func(name, value string) v1.Image {
		return change(func(c *v1.ConfigFile) { c.Config.Labels[name] = value })
	}
	const layers = "io.buildpacks.buildpack.layers"
	for _, test := range []struct {
		name string
		img  v1.Image
		want string
	}{
		{"no buildpackage", change(func(c *v1.ConfigFile) { delete(c.Config.Labels, packageLabel) }), "not a buildpackage: label " + packageLabel + " is missing"},
		{"broken label", label(packageLabel, "{"), packageLabel + " cannot be read"},
		{"broken layers", label(layers, "{"), layers + " cannot be read"},
		{"no layers", change(func(c *v1.ConfigFile) { delete(c.Config.Labels, layers) }), "names acme/one@1 as its buildpack, and does not have it"},
		{"a layer that is not there", label(layers, `{"acme/one":{"1":{"layerDiffID":"sha256:`+strings.Repeat("0", 64)+`"}}}`), "layer of acme/one@1"},
		{"a layer without a digest", label(layers, `{"acme/one":{"1":{"layerDiffID":"x"}}}`), "layer of acme/one@1"},
		{"a name that leads out", label(layers, `{"acme/one":{"1":{}},"..":{"1":{}}}`), `".." is not a valid buildpack id`},
		{"another API", label(layers, `{"acme/one":{"1":{"api":"9.9"}}}`), "it speaks Buildpack API 9.9"},
		{"another system", change(func(c *v1.ConfigFile) { c.OS = "windows" }), "it is for windows, the builder for linux"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := resolve(t, fakeBuilder(t, nil), Request{Buildpacks: sources("docker://x")}, map[string]v1.Image{"x": test.img})
			wantError(t, err, test.want)
			wantError(t, err, "buildpack docker://x: ")
		})
	}
	_, err := resolve(t, fakeBuilder(t, nil), Request{Buildpacks: sources("ruby")}, nil)
	wantError(t, err, "ruby is not there")
	if way := hint.Of(err); !strings.Contains(way, "taken for an image") || !strings.Contains(way, "acme/a@1") {
		t.Errorf("hint is %q", way)
	}
}

// TestLayout takes a buildpackage as a file, as `pack buildpack package` writes
// it, compressed, and as a directory.
func TestLayout(t *testing.T) {
	t.Parallel()
	main, part := fakeLayer(t, "acme/one@1"), fakeLayer(t, "acme/part@1")
	img := fakePackage(t, map[string]v1.Layer{"acme/one@1": main, "acme/part@1": part}, "acme/one@1", map[string]string{
		"acme/one@1": `[{"group":[{"id":"acme/part","version":"1"}]}]`,
	})
	other := fakePackage(t, map[string]v1.Layer{"acme/other@1": main}, "acme/other@1", nil)
	dir := t.TempDir()
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	for _, image := range []struct {
		img  v1.Image
		arch string
	}{{other, "s390x"}, {img, "amd64"}} {
		if err := path.AppendImage(image.img, layout.WithPlatform(v1.Platform{OS: "linux", Architecture: image.arch})); err != nil {
			t.Fatal(err)
		}
	}
	archive := tarDir(t, dir, "/") // as pack names the entries
	files := writeFiles(t, map[string]string{"one.cnb": string(archive), "one.tgz": string(gzipped(t, tarDir(t, dir, "")))})
	for _, locator := range []string{dir, filepath.Join(files, "one.cnb"), filepath.Join(files, "one.tgz")} {
		t.Run(filepath.Base(locator), func(t *testing.T) {
			t.Parallel()
			base := fakeBuilder(t, nil)
			additions, err := resolve(t, base, Request{Buildpacks: sources(locator)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := [][]string{{"0 cnb/buildpacks/acme_one/1/bin/build of acme/one@1"}, {"0 cnb/buildpacks/acme_part/1/bin/build of acme/part@1"}}
			if diff := cmp.Diff(want, additions.read(t, base).layers); diff != "" {
				t.Errorf("layers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLayoutRefuses(t *testing.T) {
	t.Parallel()
	img := fakePackage(t, map[string]v1.Layer{"acme/one@1": fakeLayer(t, "acme/one@1")}, "acme/one@1", nil)
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		change func(files map[string]string)
		want   string
	}{
		{"no index", func(f map[string]string) { delete(f, "index.json") }, "index.json: file does not exist"},
		{"broken index", func(f map[string]string) { f["index.json"] = "[" }, "index.json: unexpected end"},
		{"empty index", func(f map[string]string) { f["index.json"] = "{}" }, "no image in it"},
		{"another machine", func(f map[string]string) {
			f["index.json"] = strings.Replace(f["index.json"], "}]", `,"platform":{"os":"linux","architecture":"s390x"}}]`, 1)
		}, "none of its images is for linux/amd64"},
		{"no manifest", func(f map[string]string) { delete(f, blobName(digest)) }, digest.Hex + ": file does not exist"},
		{"another manifest", func(f map[string]string) { f[blobName(digest)] = "{}" }, "has the digest"},
		{"another config", func(f map[string]string) { f[blobName(manifest.Config.Digest)] = "{}" }, "has the digest"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path, err := layout.Write(dir, empty.Index)
			if err != nil {
				t.Fatal(err)
			}
			if err := path.AppendImage(img); err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			for _, f := range readDir(t, dir) {
				files[f.name] = f.content
			}
			files["index.json"] = strings.Join(strings.Fields(files["index.json"]), "")
			test.change(files)
			var list []file
			for name, content := range files {
				list = append(list, file{name: name, content: content})
			}
			archive := writeFiles(t, map[string]string{"x.cnb": string(tarOf(t, list...))})
			_, err = resolve(t, fakeBuilder(t, nil), Request{Buildpacks: sources(archive + "/x.cnb")}, nil)
			wantError(t, err, test.want)
		})
	}
}

// TestLayoutMediaTypes passes over what is no image.
func TestLayoutMediaTypes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	index := v1.Descriptor{MediaType: types.OCIImageIndex, Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}}
	if err := path.AppendDescriptor(index); err != nil {
		t.Fatal(err)
	}
	img := mutate.MediaType(fakePackage(t, map[string]v1.Layer{"acme/one@1": fakeLayer(t, "acme/one@1")}, "acme/one@1", nil), types.DockerManifestSchema2)
	if err := path.AppendImage(img); err != nil {
		t.Fatal(err)
	}
	if _, err := resolve(t, fakeBuilder(t, nil), Request{Buildpacks: sources(dir)}, nil); err != nil {
		t.Error(err)
	}
}

// readDir reads all files below a directory.
func readDir(t *testing.T, dir string) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		files = append(files, file{name: filepath.ToSlash(name), content: string(content)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// tarDir makes an archive of a directory, its names with a prefix.
func tarDir(t *testing.T, dir, prefix string) []byte {
	t.Helper()
	files := readDir(t, dir)
	for i := range files {
		files[i].name = prefix + files[i].name
	}
	return tarOf(t, files...)
}

// TestArchive takes the same buildpack as an archive in several forms.
func TestArchive(t *testing.T) {
	t.Parallel()
	plain := tarOf(t, file{name: "./", kind: tar.TypeDir}, file{name: "./buildpack.toml", content: descriptorOf("acme/x@1")},
		file{name: "./bin/build", content: "B"}, file{name: "./lib/tool", content: "T", mode: 0o4700})
	files := writeFiles(t, map[string]string{"x.tar": string(plain), "x.tgz": string(gzipped(t, plain)), "x": string(gzipped(t, plain))})
	for _, name := range []string{"x.tar", "x.tgz", "x"} {
		base := fakeBuilder(t, nil)
		additions, err := resolve(t, base, Request{Buildpacks: []Source{{Locator: name, Dir: files}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		const root = "cnb/buildpacks/acme_x/1/"
		want := []string{
			"755 cnb/buildpacks/acme_x/", "755 " + root, "644 " + root + "buildpack.toml " + descriptorOf("acme/x@1"),
			"755 " + root + "bin/", "755 " + root + "bin/build B", "755 " + root + "lib/", "755 " + root + "lib/tool T",
		}
		if diff := cmp.Diff([][]string{want}, additions.read(t, base).layers); diff != "" {
			t.Errorf("%s: layers (-want +got):\n%s", name, diff)
		}
	}
}

func TestArchiveRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"empty", nil, "it has no buildpack.toml at its top"},
		{"text", []byte(strings.Repeat("text ", 1000)), "read archive: archive/tar: invalid tar header"},
		{"cut off", gzipped(t, tarOf(t, file{name: "x"}))[:20], "decompress: unexpected EOF"},
		{"in a directory", tarOf(t, file{name: "x-1/buildpack.toml", content: descriptorOf("acme/x@1")}), "it has no buildpack.toml at its top"},
		{"an extension", tarOf(t, file{name: "extension.toml"}), "it is an image extension"},
		{"a bomb", gzipped(t, bytes.Repeat([]byte{0}, 2<<20)), "it is larger than 1 MB"},
		{"a large descriptor", gzipped(t, tarOf(t, file{name: "buildpack.toml", content: strings.Repeat("#", 900<<10) + "="})), "buildpack.toml"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, err := newResolver(fakeBuilder(t, nil), nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.spool.limit = 1 << 20
			t.Cleanup(func() { r.spool.close() })
			dir := writeFiles(t, map[string]string{"x": string(test.content)})
			_, err = r.local(t.Context(), filepath.Join(dir, "x"))
			wantError(t, err, test.want)
		})
	}
}
