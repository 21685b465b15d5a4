package outlet_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
	"github.com/pack-cache/pack-cache/platform/outlet"
)

// layerArchive is an archive with one file.
func layerArchive(t *testing.T, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "file", Mode: 0o644, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func opener(content []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
}

// image has one layer for each of the contents.
func image(t *testing.T, contents ...string) v1.Image {
	t.Helper()
	img := empty.Image
	for _, content := range contents {
		layer, err := tarball.LayerFromOpener(opener(layerArchive(t, content)))
		if err != nil {
			t.Fatal(err)
		}
		if img, err = mutate.AppendLayers(img, layer); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := img.Manifest(); err != nil { // before it finds layers by digest
		t.Fatal(err)
	}
	return img
}

// source is an image of a registry.
func source(t *testing.T, contents ...string) *outlet.Source {
	return &outlet.Source{Name: "source", Reference: "source@sha256:…", Image: image(t, contents...), Exact: true}
}

// app is an app image as a phase describes it: the first n layers are those of
// its sources.
func app(t *testing.T, n int, contents ...string) phases.App {
	t.Helper()
	img := image(t, contents...)
	var app phases.App
	var err error
	if app.Manifest, err = img.RawManifest(); err != nil {
		t.Fatal(err)
	}
	if app.Config, err = img.RawConfigFile(); err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for i, layer := range layers {
		one := phases.AppLayer{}
		if one.DiffID, err = layer.DiffID(); err != nil {
			t.Fatal(err)
		}
		descriptor, err := partial.Descriptor(layer)
		if err != nil {
			t.Fatal(err)
		}
		one.Descriptor = *descriptor
		if i >= n {
			content := layerArchive(t, contents[i])
			one.Size = int64(len(content))
			one.Open = func(context.Context) (io.ReadCloser, error) { return opener(content)() }
		}
		app.Layers = append(app.Layers, one)
	}
	return app
}

// daemon is a fake that keeps images as Docker does: a layer that is there on top
// of the same lower ones needs no content.
type daemon struct {
	whole bool // it wants images whole
	// forget makes it forget all images before the next load.
	forget bool
	refuse error
	// below writes what there is in a directory of an image, nil for nothing.
	below func(*tar.Writer) error

	images map[string]*v1.ConfigFile // by name
	loads  []int64                   // how much each archive had
}

var _ lifecycle.Daemon = (*daemon)(nil)

func (d *daemon) Probe(context.Context) error               { return nil }
func (d *daemon) String() string                            { return "fake" }
func (d *daemon) Incremental(context.Context) (bool, error) { return !d.whole, nil }
func (d *daemon) has(chain []v1.Hash) bool {
	for _, config := range d.images {
		if len(config.RootFS.DiffIDs) >= len(chain) && fmt.Sprint(config.RootFS.DiffIDs[:len(chain)]) == fmt.Sprint(chain) {
			return true
		}
	}
	return false
}

func (d *daemon) Find(_ context.Context, reference string) (lifecycle.DaemonImage, error) {
	for name, config := range d.images {
		if img := (kept{config: config, below: d.below}); name == reference || img.ID() == reference {
			return img, nil
		}
	}
	return nil, &fs.PathError{Op: "find", Path: reference, Err: fs.ErrNotExist}
}

func (d *daemon) Load(_ context.Context, archive io.Reader) error {
	files := map[string][]byte{}
	var size int64
	reader := tar.NewReader(archive)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if files[path.Clean(header.Name)], err = io.ReadAll(reader); err != nil {
			return err
		}
		size += header.Size
	}
	d.loads = append(d.loads, size)
	if d.refuse != nil {
		return d.refuse
	}
	if d.forget {
		d.images, d.forget = nil, false
	}
	var entries []struct {
		Config           string
		RepoTags, Layers []string
	}
	if err := json.Unmarshal(files["manifest.json"], &entries); err != nil {
		return err
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(files[entries[0].Config]))
	if err != nil {
		return err
	}
	for i, name := range entries[0].Layers {
		if d.has(config.RootFS.DiffIDs[:i+1]) {
			continue
		}
		layer, err := tarball.LayerFromOpener(opener(files[name]))
		if err != nil {
			return err
		}
		if diffID, err := layer.DiffID(); err != nil || diffID != config.RootFS.DiffIDs[i] {
			return fmt.Errorf("layer %d has no content", i)
		}
	}
	if d.images == nil {
		d.images = map[string]*v1.ConfigFile{}
	}
	for _, tag := range entries[0].RepoTags {
		d.images[tag] = config
	}
	return nil
}

// kept is an image in the fake. Nobody may ask for its layers.
type kept struct {
	v1.Image
	config *v1.ConfigFile
	below  func(*tar.Writer) error
}

func (k kept) ConfigFile() (*v1.ConfigFile, error) { return k.config, nil }
func (k kept) RawConfigFile() ([]byte, error)      { return json.Marshal(k.config) }
func (k kept) Digests() []string                   { return nil }
func (k kept) Close() error                        { return nil }
func (k kept) Open(context.Context, string) (io.ReadCloser, error) {
	if k.below == nil {
		return nil, fs.ErrNotExist
	}
	var b bytes.Buffer
	err := k.below(tar.NewWriter(&b))
	return io.NopCloser(&b), err
}

func (k kept) LayerByDiffID(v1.Hash) (v1.Layer, error) {
	return nil, errors.New("all layers would be sent")
}

func (k kept) ID() string {
	raw, _ := json.Marshal(k.config)
	digest, _, _ := v1.SHA256(bytes.NewReader(raw))
	return digest.String()
}
