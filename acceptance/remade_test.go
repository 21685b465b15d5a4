package acceptance

import (
	"archive/tar"
	"bytes"
	"io"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// remade returns an image with other archives. change gets each by its diffID, and
// the labels name the new ones.
func remade(t *testing.T, img v1.Image, change func(diffID string, archive []byte) []byte) v1.Image {
	t.Helper()
	all, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	for i, layer := range all {
		old := config.RootFS.DiffIDs[i].String()
		from, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		archive, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		changed := change(old, archive)
		all[i], err = tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(changed)), nil })
		if err != nil {
			t.Fatal(err)
		}
		diffID, err := all[i].DiffID()
		if err != nil {
			t.Fatal(err)
		}
		for name, label := range config.Config.Labels {
			config.Config.Labels[name] = strings.ReplaceAll(label, old, diffID.String())
		}
	}
	config.RootFS.DiffIDs, config.History = nil, nil
	if img, err = mutate.ConfigFile(empty.Image, config); err == nil {
		img, err = mutate.AppendLayers(img, all...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// relabelled returns an image with another label.
func relabelled(t *testing.T, img v1.Image, name string, change func(string) string) v1.Image {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Config.Labels[name] = change(config.Config.Labels[name])
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	return img
}

// eachEntry returns an archive with other headers, and more entries at its end.
func eachEntry(t *testing.T, archive []byte, change func(*tar.Header), more ...tar.Header) []byte {
	t.Helper()
	var changed bytes.Buffer
	in, out := tar.NewReader(bytes.NewReader(archive)), tar.NewWriter(&changed)
	for {
		header, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		change(header)
		if err := out.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(out, in); err != nil {
			t.Fatal(err)
		}
	}
	for _, header := range more {
		if err := out.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write(make([]byte, header.Size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return changed.Bytes()
}
