package docker

import (
	"archive/tar"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/image"
	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// TestSpool reads images as daemons of several kinds and ages give them out.
func TestSpool(t *testing.T) {
	t.Parallel()
	file := func(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name} }
	link := func(name, to string) tar.Header {
		return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to}
	}
	for _, test := range []struct {
		name    string
		entries []tar.Header
		content map[string]string
		want    []string
		fails   string
	}{
		{
			name:    "Docker before 25, a layer twice",
			entries: []tar.Header{file("a/layer.tar"), file("b/layer.tar"), link("c/layer.tar", "../a/layer.tar"), file("manifest.json")},
			content: map[string]string{"a/layer.tar": "A", "b/layer.tar": "BB", "manifest.json": `[{"Layers":["a/layer.tar","b/layer.tar","c/layer.tar"]}]`},
			want:    []string{"A", "BB", "A"},
		},
		{
			name:    "an OCI layout, with the list first",
			entries: []tar.Header{file("./manifest.json"), file("blobs/sha256/a"), file("blobs/sha256/b")},
			content: map[string]string{"./manifest.json": `[{"Layers":["blobs/sha256/b","blobs/sha256/a"]}]`, "blobs/sha256/a": "A", "blobs/sha256/b": "B"},
			want:    []string{"B", "A"},
		},
		{name: "no list", entries: []tar.Header{file("a")}, want: []string{""}, fails: "no manifest.json"},
		{name: "a bad list", entries: []tar.Header{file("manifest.json")}, want: []string{""}, fails: "manifest.json: "},
		{
			name: "two images", entries: []tar.Header{file("manifest.json")}, content: map[string]string{"manifest.json": `[{},{}]`},
			want: []string{""}, fails: "has 2 images",
		},
		{
			name: "a layer lost", entries: []tar.Header{file("manifest.json")}, content: map[string]string{"manifest.json": `[{"Layers":["a"]}]`},
			want: []string{""}, fails: "has no layer a",
		},
		{
			name: "too few layers", entries: []tar.Header{file("manifest.json")}, content: map[string]string{"manifest.json": `[{}]`},
			want: []string{""}, fails: "0 layers instead of 1",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var archive bytes.Buffer
			w := tar.NewWriter(&archive)
			for _, header := range test.entries {
				header.Size = int64(len(test.content[header.Name]))
				if err := w.WriteHeader(&header); err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(w, test.content[header.Name]); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			all, err := spool(&archive, len(test.want))
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer all.file.Close()
			var got []string
			for _, layer := range all.layers {
				content, err := io.ReadAll(layer)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(content))
				_, _ = layer.Seek(0, io.SeekStart) // the same one may come again
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("layers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHistoryOf(t *testing.T) {
	t.Parallel()
	step := func(by string, size int64) image.HistoryResponseItem {
		return image.HistoryResponseItem{CreatedBy: by, Size: size}
	}
	for _, test := range []struct {
		name   string
		said   []image.HistoryResponseItem // the last step first, as daemons do
		layers int
		want   []v1.History
	}{
		{"a step for each layer", []image.HistoryResponseItem{step("second", 0), step("first", 1)}, 2, []v1.History{{CreatedBy: "first"}, {CreatedBy: "second"}}},
		{"steps without a layer", []image.HistoryResponseItem{step("ENV", 0), step("second", 2), step("USER", 0), step("first", 1)}, 2, []v1.History{{CreatedBy: "first"}, {CreatedBy: "second"}}},
		{"nobody knows which", []image.HistoryResponseItem{step("ENV", 0), step("second", 0), step("first", 1)}, 2, nil},
		{"none", nil, 1, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, historyOf(test.said, test.layers)); diff != "" {
				t.Errorf("history (-want +got):\n%s", diff)
			}
		})
	}
}
