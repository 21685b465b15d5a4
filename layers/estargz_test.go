package layers

import (
	"bytes"
	stdgzip "compress/gzip"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/containerd/stargz-snapshotter/estargz"
	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/pack-cache/pack-cache/layers/blob"
)

// archived returns the layer of a snapshot and what its blob is when another
// reader of gzip has unpacked it.
func archived(t *testing.T, store *fakeStore, id LayerID) (layer Layer, data, raw []byte) {
	t.Helper()
	snapshot, err := Load(t.Context(), store, "latest")
	must(t, err)
	layer, _ = snapshot.Layer(previousDiffID(snapshot, id))
	data = store.blobs[layer.whole().Digest.String()]
	reader, err := stdgzip.NewReader(bytes.NewReader(data))
	must(t, err)
	raw, err = io.ReadAll(reader)
	must(t, err)
	return layer, data, raw
}

// TestEstargz saves and restores eStargz: its table of contents is right, it is
// gzip for everybody else, and launch layers keep the diffID of the app layer.
func TestEstargz(t *testing.T) {
	t.Parallel()
	for _, level := range []int{0, 1, 9} {
		store := newFakeStore()
		m := newMachine(t, store, "samples/java", "samples/node")
		m.req.Compression = blob.Compression{Codec: blob.Estargz, Level: &level}
		m.makes(m2, "repo/a.jar", "repo/b.jar")
		write(t, filepath.Join(m.layersDir, m2.ID.Dir(), "large"), strings.Repeat("0123456789abcdef", 400_000))
		old := time.Unix(1_500_000_000, 123_456_789)
		must(t, os.Chtimes(filepath.Join(m.layersDir, m2.ID.Dir(), "repo/a.jar"), old, old))
		m.makes(jdk, "bin/java")
		m.makes(deps, "left-pad")
		m.save()

		layer, data, raw := archived(t, store, m2.ID)
		if got := blob.DigestOf(raw).String(); got != layer.DiffID {
			t.Errorf("level %d: diffID %s of what is %s", level, layer.DiffID, got)
		}
		digest, size := layer.archive()
		if size < 0 || size >= int64(len(raw)) || blob.DigestOf(raw[:size]).String() != digest {
			t.Errorf("level %d: archive %s of %d bytes is not what the blob has", level, digest, size)
		}
		wantTable(t, layer, data)
		if launch, _, raw := archived(t, store, jdk.ID); launch.Codec() != blob.Gzip || blob.DigestOf(raw).String() != launch.DiffID {
			t.Errorf("level %d: the launch layer is %+v", level, launch)
		}

		warm := newMachine(t, store, "samples/java", "samples/node")
		warm.req.Compression = m.req.Compression
		info, err := os.Stat(filepath.Join(warm.layersDir, m2.ID.Dir(), "repo/a.jar"))
		must(t, err)
		if !info.ModTime().Equal(old) {
			t.Errorf("level %d: the time is %v", level, info.ModTime())
		}
		for _, layer := range []CachedLayer{m2, jdk, deps} {
			warm.makes(layer)
		}
		if report := warm.save(); report.Changed || report.Sent != 0 {
			t.Errorf("level %d: an unchanged cache was saved: %+v", level, report)
		}
	}
}

// wantTable reads a blob by its table of contents.
func wantTable(t *testing.T, layer Layer, blob []byte) {
	t.Helper()
	reader, err := estargz.Open(io.NewSectionReader(bytes.NewReader(blob), 0, int64(len(blob))))
	must(t, err)
	toc, err := digest.Parse(layer.whole().Annotations[estargz.TOCJSONDigestAnnotation])
	must(t, err)
	if _, err := reader.VerifyTOC(toc); err != nil {
		t.Errorf("table of contents: %v", err)
	}
	for _, file := range []string{"a.jar", "b.jar"} {
		content, err := reader.OpenFile("layers/samples_java/m2/repo/" + file)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		got, err := io.ReadAll(content)
		if err != nil || string(got) != "content of repo/"+file {
			t.Errorf("%s has %q, %v", file, got, err)
		}
	}
}

// TestEstargzIsRecognised finds a layer by its archive, whatever it is compressed
// with here and there, and whatever it was restored from.
func TestEstargzIsRecognised(t *testing.T) {
	t.Parallel()
	zstd, stargz := blob.Compression{}, blob.Compression{Codec: blob.Estargz}
	cold := func(t *testing.T, c blob.Compression) *fakeStore {
		store := newFakeStore()
		m := newMachine(t, store, "samples/java", "samples/node")
		m.req.Compression = c
		m.makes(m2, "repo/a.jar")
		m.makes(jdk, "bin/java")
		m.save()
		return store
	}
	for _, test := range []struct {
		name         string
		first, now   blob.Compression
		state, force bool
		want         map[LayerID]blob.Codec
	}{
		{"as it was, by fingerprint", stargz, stargz, true, true, map[LayerID]blob.Codec{m2.ID: blob.Estargz, jdk.ID: blob.Gzip}},
		{"as it was, by its archive", stargz, stargz, false, true, map[LayerID]blob.Codec{m2.ID: blob.Estargz, jdk.ID: blob.Gzip}},
		{"to zstd, reused", stargz, zstd, false, false, map[LayerID]blob.Codec{m2.ID: blob.Estargz, jdk.ID: blob.Gzip}},
		{"from zstd, reused", zstd, stargz, true, false, map[LayerID]blob.Codec{m2.ID: blob.Zstd, jdk.ID: blob.Zstd}},
		{"to zstd, anew", stargz, zstd, true, true, map[LayerID]blob.Codec{m2.ID: blob.Zstd, jdk.ID: blob.Zstd}},
		{"from zstd, anew", zstd, stargz, true, true, map[LayerID]blob.Codec{m2.ID: blob.Estargz, jdk.ID: blob.Gzip}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store := cold(t, test.first)
			m := newMachine(t, store, "samples/java", "samples/node")
			m.req.Compression, m.req.ForceCompression = test.now, test.force
			if !test.state {
				m.req.StateDir = ""
			}
			m.makes(m2)
			m.makes(jdk)
			report := m.save()
			got := map[LayerID]blob.Codec{}
			snapshot, err := Load(t.Context(), store, "latest")
			must(t, err)
			for _, content := range snapshot.Contents() {
				got[content.ID] = content.Codec()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			there := map[LayerID]blob.Codec{m2.ID: blob.Zstd, jdk.ID: blob.Zstd}
			if test.first == stargz {
				there = map[LayerID]blob.Codec{m2.ID: blob.Estargz, jdk.ID: blob.Gzip}
			}
			same := maps.Equal(test.want, there)
			if same == report.Changed || same != (report.Sent == 0) {
				t.Errorf("report %+v", report)
			}
			newMachine(t, store, "samples/java", "samples/node")
		})
	}
}

// TestEstargzRecodes compresses layers of other buildpacks anew, there and back.
func TestEstargzRecodes(t *testing.T) {
	t.Parallel()
	store := seeded(t)
	before, err := Load(t.Context(), store, "latest")
	must(t, err)
	for _, codec := range []blob.Codec{blob.Estargz, blob.Zstd} {
		m := newMachine(t, store, "samples/node")
		m.req.Compression, m.req.ForceCompression = blob.Compression{Codec: codec}, true
		m.makes(deps)
		wantStatuses(t, m.save(), map[string]Status{"samples/java:m2": Kept, "samples/java:jdk": Kept, "samples/node:deps": Updated})
	}
	after, err := Load(t.Context(), store, "latest")
	must(t, err)
	for _, id := range []LayerID{m2.ID, jdk.ID, deps.ID} {
		if was, is := previousDiffID(before, id), previousDiffID(after, id); was != is {
			t.Errorf("%s was %s and is %s", id, was, is)
		}
	}
	for _, content := range after.Contents() {
		if content.Codec() != blob.Zstd {
			t.Errorf("%+v", content)
		}
	}
	newMachine(t, store, "samples/java", "samples/node")
}
