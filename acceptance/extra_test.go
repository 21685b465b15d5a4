package acceptance

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// extraBuildpack is a buildpack that no builder has: its files by their path.
type extraBuildpack struct {
	id, version string
	files       map[string]string
}

// newExtra makes a buildpack that prints "extra: ID" when it builds, and then
// does what script says.
func newExtra(id, version, script string) extraBuildpack {
	return extraBuildpack{id, version, map[string]string{
		"buildpack.toml": fmt.Sprintf("api = \"0.10\"\n[buildpack]\nid = %q\nversion = %q\n", id, version),
		"bin/detect":     "#!/bin/sh\nexit 0\n",
		"bin/build":      "#!/bin/sh\nset -eu\necho extra: " + id + "\n" + script + "\n",
	}}
}

// newComposite makes a buildpack that consists of another one.
func newComposite(id, version string, part extraBuildpack) extraBuildpack {
	return extraBuildpack{id, version, map[string]string{
		"buildpack.toml": fmt.Sprintf("api = \"0.10\"\n[buildpack]\nid = %q\nversion = %q\n[[order]]\n[[order.group]]\nid = %q\nversion = %q\n", id, version, part.id, part.version),
	}}
}

// dir writes the buildpack below a directory, its programs not executable.
func (b extraBuildpack) dir(t *testing.T, dir string) string {
	t.Helper()
	for name, content := range b.files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// archive is the buildpack as a tar archive, each name with a prefix.
func (b extraBuildpack) archive(t *testing.T, prefix string) []byte {
	t.Helper()
	return tarOf(t, prefix, b.files)
}

func tarOf(t *testing.T, prefix string, files map[string]string) []byte {
	t.Helper()
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: prefix + name, Mode: 0o755, Size: int64(len(files[name]))}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func gzipOf(t *testing.T, content []byte) []byte {
	t.Helper()
	var buffer bytes.Buffer
	w := gzip.NewWriter(&buffer)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

// buildpackage is an image as `pack buildpack package` makes it, the first
// buildpack being the main one.
func buildpackage(t *testing.T, main extraBuildpack, parts ...extraBuildpack) v1.Image {
	t.Helper()
	var layers []v1.Layer
	modules := []string{}
	for _, b := range append([]extraBuildpack{main}, parts...) {
		root := "cnb/buildpacks/" + strings.ReplaceAll(b.id, "/", "_") + "/" + b.version + "/"
		layer := static.NewLayer(b.archive(t, root), types.OCIUncompressedLayer)
		diffID, err := layer.DiffID()
		if err != nil {
			t.Fatal(err)
		}
		order := ""
		if len(parts) > 0 && b.id == main.id {
			order = fmt.Sprintf(`,"order":[{"group":[{"id":%q,"version":%q}]}]`, parts[0].id, parts[0].version)
		}
		modules = append(modules, fmt.Sprintf(`%q:{%q:{"api":"0.10","layerDiffID":%q%s}}`, b.id, b.version, diffID, order))
		layers = append(layers, layer)
	}
	img, err := mutate.ConfigFile(mutate.MediaType(empty.Image, types.OCIManifestSchema1), &v1.ConfigFile{
		OS: "linux", RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{Labels: map[string]string{
			"io.buildpacks.buildpackage.metadata": fmt.Sprintf(`{"id":%q,"version":%q,"stacks":[{"id":"*"}]}`, main.id, main.version),
			"io.buildpacks.buildpack.layers":      "{" + strings.Join(modules, ",") + "}",
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if img, err = mutate.AppendLayers(mutate.ConfigMediaType(img, types.OCIConfigJSON), layers...); err != nil {
		t.Fatal(err)
	}
	return img
}

// buildpackageFile is a buildpackage as a .cnb file.
func buildpackageFile(t *testing.T, img v1.Image) []byte {
	t.Helper()
	dir := t.TempDir()
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := path.AppendImage(img); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, pattern := range []string{"*", "blobs/sha256/*"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if content, err := os.ReadFile(path); err == nil {
				files[strings.TrimPrefix(path, dir)] = string(content)
			}
		}
	}
	return tarOf(t, "", files)
}

// wantInOrder fails unless the log has all of some strings, each after the one
// before it.
func (o outcome) wantInOrder(t *testing.T, all ...string) {
	t.Helper()
	rest := o.stderr
	for _, want := range all {
		_, after, ok := strings.Cut(rest, want)
		if !ok {
			t.Fatalf("the log lacks %q at its place among %q:\n%s", want, all, o.stderr)
		}
		rest = after
	}
}
