package ocidir

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
)

// put stores content and returns its descriptor.
func put(t *testing.T, s *Store, mediaType types.MediaType, content string) v1.Descriptor {
	t.Helper()
	pushed, err := s.Push(t.Context(), v1.Descriptor{MediaType: mediaType}, func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(content)), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pushed.Descriptor
}

// save makes name stand for an image with one layer, and returns its manifest.
func save(t *testing.T, s *Store, name, content string, previous v1.Hash) v1.Hash {
	t.Helper()
	manifest := image(t, s, content)
	desc, err := s.Commit(t.Context(), name, string(types.OCIManifestSchema1), manifest, previous)
	if err != nil {
		t.Fatal(err)
	}
	return desc.Digest
}

func image(t *testing.T, s *Store, content string) []byte {
	t.Helper()
	manifest, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Config: put(t, s, types.OCIConfigJSON, `{"config":{},"rootfs":{"type":"layers","diff_ids":["`+hashOf([]byte(content)).String()+`"]}}`),
		Layers: []v1.Descriptor{put(t, s, types.OCIUncompressedLayer, content)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return manifest
}

// wantResolved fails unless name stands for digest.
func wantResolved(t *testing.T, s *Store, name string, digest v1.Hash) {
	t.Helper()
	desc, _, err := s.Resolve(t.Context(), name)
	if err != nil || desc.Digest != digest || desc.MediaType != types.OCIManifestSchema1 {
		t.Errorf("%s stands for %v, error %v, want %s", name, desc, err, digest)
	}
}

func (s *Store) has(digest v1.Hash) bool {
	_, err := os.Stat(filepath.Join(s.dir, blobPath(digest)))
	return err == nil
}

// TestOtherToolsReadIt has go-containerregistry read what is stored here.
func TestOtherToolsReadIt(t *testing.T) {
	t.Parallel()
	s := New(Config{Dir: t.TempDir()})
	want := save(t, s, "main", "content", v1.Hash{})
	path, err := layout.FromPath(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 || manifest.Manifests[0].Digest != want || manifest.Manifests[0].Annotations[refName] != "main" {
		t.Errorf("index %+v", manifest)
	}
	img, err := path.Image(want)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(img, validate.Fast); err != nil {
		t.Error(err)
	}
	var names []string
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if diff := cmp.Diff([]string{"blobs", "index.json", "oci-layout"}, names); diff != "" {
		t.Error(diff)
	}
}

// TestForeignEntriesStay stores a snapshot in a layout that another tool made,
// and finds what that tool keeps as it was, unknown fields included.
func TestForeignEntriesStay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	theirs, err := random.Index(100, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := path.AppendIndex(theirs, layout.WithAnnotations(map[string]string{refName: "theirs", "x": "y"})); err != nil {
		t.Fatal(err)
	}
	indexFile := filepath.Join(dir, indexName)
	before, err := os.ReadFile(indexFile)
	if err != nil {
		t.Fatal(err)
	}
	odd := bytes.Replace(before, []byte(`"schemaVersion"`), []byte(`"unknown":{"b":1,"a":[2]},"schemaVersion"`), 1)
	odd = bytes.Replace(odd, []byte(`"manifests": [`), []byte(`"manifests": [{"digest":"sha512:00","odd":true},{"odd":1,"digest":5},`), 1)
	if bytes.Equal(odd, before) {
		t.Fatalf("index %s", before)
	}
	if err := os.WriteFile(indexFile, odd, 0o644); err != nil {
		t.Fatal(err)
	}

	s := New(Config{Dir: dir})
	first := save(t, s, "main", "one", v1.Hash{})
	second := save(t, s, "main", "two", first)
	wantResolved(t, s, "main", second)
	wantResolved(t, s, first.String(), first) // an older snapshot
	after, err := os.ReadFile(indexFile)
	if err != nil {
		t.Fatal(err)
	}
	var was, is struct {
		Unknown   json.RawMessage
		Manifests []json.RawMessage
	}
	if err := errors.Join(json.Unmarshal(odd, &was), json.Unmarshal(after, &is)); err != nil {
		t.Fatal(err)
	}
	compact := func(raw json.RawMessage) string {
		var b bytes.Buffer
		if err := json.Compact(&b, raw); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if len(is.Manifests) != len(was.Manifests)+1 || compact(is.Unknown) != compact(was.Unknown) {
		t.Fatalf("index was\n%s\nand is\n%s", odd, after)
	}
	for i, entry := range was.Manifests {
		if compact(entry) != compact(is.Manifests[i]) {
			t.Errorf("entry was %s and is %s", entry, is.Manifests[i])
		}
	}
	desc, _, err := s.Resolve(t.Context(), "theirs")
	if err != nil || !desc.MediaType.IsIndex() {
		t.Errorf("their entry: %v, %v", desc, err)
	}
}

func TestRefusesOtherDirectories(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		files   []string
		refused bool
	}{
		{"empty", nil, false},
		{"hidden files", []string{".gitkeep", "lost+found/x"}, false},
		{"a layout without oci-layout", []string{"index.json"}, false},
		{"source", []string{"main.go", ".git/HEAD"}, true},
		{"pack's volume cache", []string{"committed/io.buildpacks.lifecycle.cache.metadata"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, file := range test.files {
				path := filepath.Join(dir, file)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("{}"), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			before := list(t, dir)
			s := New(Config{Dir: dir})
			if _, _, err := s.Resolve(t.Context(), "main"); !errors.Is(err, layers.ErrNotFound) {
				t.Errorf("resolve: %v", err)
			}
			_, err := s.Push(t.Context(), v1.Descriptor{}, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil })
			if (err != nil) != test.refused {
				t.Fatalf("push: %v", err)
			}
			if !test.refused {
				return
			}
			if hint.Of(err) == "" || !strings.Contains(err.Error(), "not an OCI image layout") {
				t.Errorf("error %v", err)
			}
			if diff := cmp.Diff(before, list(t, dir)); diff != "" {
				t.Errorf("the directory changed:\n%s", diff)
			}
		})
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestLinksDoNotLeadOut follows no link out of the directory, neither for
// reading nor for writing.
func TestLinksDoNotLeadOut(t *testing.T) {
	t.Parallel()
	s := New(Config{Dir: t.TempDir()})
	outside := t.TempDir()
	secret := []byte("outside")
	if err := os.WriteFile(filepath.Join(outside, "file"), secret, 0o644); err != nil {
		t.Fatal(err)
	}
	put(t, s, types.OCILayer, "something")
	if err := os.Symlink(filepath.Join(outside, "file"), filepath.Join(s.dir, blobPath(hashOf(secret)))); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Open(t.Context(), v1.Descriptor{Digest: hashOf(secret)}, 0, -1); err == nil {
		r.Close()
		t.Error("a blob that is a link out of the directory was opened")
	}
	blobs := filepath.Join(s.dir, blobsName)
	if err := errors.Join(os.Rename(blobs, blobs+".away"), os.Symlink(outside, blobs)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Push(t.Context(), v1.Descriptor{}, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil }); err == nil {
		t.Error("a blob was written out of the directory")
	}
	if got := list(t, outside); len(got) != 2 {
		t.Errorf("outside there is %v", got)
	}
}
