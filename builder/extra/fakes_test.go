package extra

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/builder"
)

// The buildpacks of the test's builder: a and b in one layer each, two versions
// of v, and the composite c of a and b.
const fakeOrder = `[{"group":[{"id":"acme/a","version":"1"},{"id":"acme/b","optional":true}]},{"group":[{"id":"acme/c"}]}]`

func fakeModules(t *testing.T) map[string]v1.Layer {
	return map[string]v1.Layer{
		"acme/a@1": fakeLayer(t, "acme/a@1"), "acme/b@1.2": fakeLayer(t, "acme/b@1.2"),
		"acme/v@1": fakeLayer(t, "acme/v@1"), "acme/v@2": fakeLayer(t, "acme/v@2"),
		"acme/c@3": fakeLayer(t, "acme/c@3"),
	}
}

// fakeBuilder returns a builder for linux/amd64 that speaks Buildpack API 0.10.
func fakeBuilder(t *testing.T, change func(labels map[string]string)) *builder.Builder {
	t.Helper()
	labels := map[string]string{
		"io.buildpacks.builder.metadata":           `{"lifecycle":{"apis":{"buildpack":{"supported":["0.10"]}}}}`,
		"io.buildpacks.buildpack.order":            fakeOrder,
		"io.buildpacks.buildpack.order-extensions": `[{"group":[{"id":"acme/x","version":"1"}]}]`,
	}
	if change != nil {
		change(labels)
	}
	img := fakeImage(t, fakeModules(t), map[string]string{"acme/c@3": `[{"group":[{"id":"acme/a","version":"1"}]}]`}, labels)
	b, err := builder.Inspect(img)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fakePackage returns a buildpackage whose main buildpack is the first one.
func fakePackage(t *testing.T, modules map[string]v1.Layer, main string, orders map[string]string) v1.Image {
	t.Helper()
	id, version, _ := strings.Cut(main, "@")
	return fakeImage(t, modules, orders, map[string]string{
		packageLabel: fmt.Sprintf(`{"id":%q,"version":%q,"stacks":[]}`, id, version),
	})
}

// fakeImage returns an image that has buildpacks.
func fakeImage(t *testing.T, modules map[string]v1.Layer, orders, labels map[string]string) v1.Image {
	t.Helper()
	entries := map[string]map[string]any{}
	var layers []v1.Layer
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		layer := modules[name]
		id, version, _ := strings.Cut(name, "@")
		if entries[id] == nil {
			entries[id] = map[string]any{}
		}
		entry := map[string]any{"api": "0.10", "layerDiffID": diffID(t, layer)}
		if order := orders[name]; order != "" {
			entry["order"] = json.RawMessage(order)
		}
		entries[id][version] = entry
		if !slices.Contains(layers, layer) {
			layers = append(layers, layer)
		}
	}
	raw, err := json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	labels["io.buildpacks.buildpack.layers"] = string(raw)
	img, err := mutate.ConfigFile(mutate.MediaType(empty.Image, types.OCIManifestSchema1), &v1.ConfigFile{
		OS: "linux", Architecture: "amd64", RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{Env: []string{"CNB_USER_ID=1000", "CNB_GROUP_ID=1000"}, Labels: labels},
	})
	if err != nil {
		t.Fatal(err)
	}
	if img, err = mutate.AppendLayers(mutate.ConfigMediaType(img, types.OCIConfigJSON), layers...); err != nil {
		t.Fatal(err)
	}
	return img
}

// fakeLayer is a layer in which each of some buildpacks has one file, whose
// content is all that is named.
func fakeLayer(t *testing.T, names ...string) v1.Layer {
	t.Helper()
	var files []file
	for _, name := range names {
		name, content, _ := strings.Cut(name, "=")
		id, version, _ := strings.Cut(name, "@")
		files = append(files, file{name: "cnb/buildpacks/" + escape(id) + "/" + version + "/bin/build", content: content + "of " + name})
	}
	return static.NewLayer(tarOf(t, files...), types.OCIUncompressedLayer)
}

func diffID(t *testing.T, layer v1.Layer) string {
	t.Helper()
	hash, err := layer.DiffID()
	if err != nil {
		t.Fatal(err)
	}
	return hash.String()
}

// file is an entry of an archive: a regular file unless it says otherwise.
type file struct {
	name, content string
	kind          byte
	link          string
	mode          int64
}

func tarOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Typeflag: f.kind, Linkname: f.link, Mode: f.mode, Size: int64(len(f.content))}
		if f.kind == 0 {
			header.Typeflag = tar.TypeReg
		}
		if f.kind == tar.TypeXGlobalHeader {
			header = &tar.Header{Name: f.name, Typeflag: f.kind, PAXRecords: map[string]string{"comment": "x"}}
		}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func gzipped(t testing.TB, content []byte) []byte {
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

// writeFiles writes files by their path below a new directory.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// descriptorOf is buildpack.toml of ID@VERSION.
func descriptorOf(name string) string {
	id, version, _ := strings.Cut(name, "@")
	return fmt.Sprintf("api = \"0.10\"\n[buildpack]\nid = %q\nversion = %q\n", id, version)
}

// fakeFetch is a registry in a map.
func fakeFetch(images map[string]v1.Image) Fetch {
	return func(_ context.Context, ref string, _ bool) (v1.Image, error) {
		if img, ok := images[ref]; ok {
			return img, nil
		}
		return nil, errors.New(ref + " is not there")
	}
}

// reporter keeps warnings.
type reporter struct {
	warnings []string
	infos    []string
}

func (r *reporter) Step(string)                  {}
func (r *reporter) Info(message string)          { r.infos = append(r.infos, message) }
func (r *reporter) Warn(message string)          { r.warnings = append(r.warnings, message) }
func (r *reporter) Hint(string)                  {}
func (r *reporter) Debug(string)                 {}
func (r *reporter) Output(string) io.WriteCloser { return nil }

// added is what Additions lay over a builder: per layer its entries, with their
// mode and content; the last layer is the order.
type added struct {
	layers [][]string
	order  string
}

func resolve(t *testing.T, b *builder.Builder, req Request, images map[string]v1.Image) (*Additions, error) {
	t.Helper()
	additions, err := Resolve(t.Context(), b, req, fakeFetch(images))
	if additions != nil {
		t.Cleanup(func() {
			if err := additions.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return additions, err
}

// read reads the additions back from a builder image that they are laid over.
func (a *Additions) read(t *testing.T, b *builder.Builder) added {
	t.Helper()
	img, err := a.Apply(b.Image)
	if err != nil {
		t.Fatal(err)
	}
	base, err := b.Image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	var got added
	for _, layer := range layers[len(base):] {
		got.layers = append(got.layers, entriesOf(t, layer))
	}
	last := len(got.layers) - 1
	order, ok := strings.CutPrefix(strings.Join(got.layers[last], "\n"), "644 cnb/order.toml ")
	if !ok {
		t.Fatalf("the last layer is no order: %v", got.layers[last])
	}
	got.order, got.layers = order, got.layers[:last]
	return got
}

func entriesOf(t *testing.T, layer v1.Layer) []string {
	t.Helper()
	content, err := layer.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	raw, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	if sum, size, _ := v1.SHA256(bytes.NewReader(raw)); diffID(t, layer) != sum.String() && !bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		t.Errorf("layer %s has %d bytes of digest %s", diffID(t, layer), size, sum)
	}
	if bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		plain, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if raw, err = io.ReadAll(plain); err != nil {
			t.Fatal(err)
		}
	}
	var entries []string
	for reader := tar.NewReader(bytes.NewReader(raw)); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return entries
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		entry := fmt.Sprintf("%o %s", header.Mode, header.Name)
		if header.Typeflag == tar.TypeReg || header.Linkname != "" {
			entry += " " + string(body)
		}
		if header.Linkname != "" {
			entry += "-> " + header.Linkname
		}
		if header.Uid != 0 || header.Gid != 0 {
			entry += fmt.Sprintf(" of %d:%d", header.Uid, header.Gid)
		}
		entries = append(entries, entry)
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want %q in it", err, want)
	}
}
