package layers

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/zstd"

	"github.com/pack-cache/pack-cache/layers/archive"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// uncompressedSize is the annotation of a blob's archive.
const uncompressedSize = "com.github.pack-cache.uncompressed-size"

// single is data as other programs compress it: in one zstd frame.
func single(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out)
	must(t, err)
	_, err = w.Write(data)
	must(t, errors.Join(err, w.Close()))
	return out.Bytes()
}

// announcing is a snapshot of one blob that announces an archive of so many bytes.
func announcing(data []byte, diffID string, size int64) (*Snapshot, *fakeStore) {
	store := newFakeStore()
	s := snapshotOf(store, data, diffID)
	if size >= 0 {
		s.layers[diffID].Blobs[0].Annotations = map[string]string{uncompressedSize: strconv.FormatInt(size, 10)}
	}
	return s, store
}

// taken is how many bytes a directory takes on the disk.
func taken(t *testing.T, dir string) int64 {
	t.Helper()
	var all int64
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().IsRegular() {
			all += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return err
	}))
	return all
}

// TestBombs unpacks blobs that have more than they say, or more than they could
// have: unpacking stops, and nothing stays.
func TestBombs(t *testing.T) {
	t.Parallel()
	large := tarOf(t, append(above[:3:3], fileEntry("/layers/bp/layer/f", strings.Repeat("x", 200<<20)))...)
	deep := tarOf(t, append(above[:3:3], dirEntry("/layers/bp/layer/"+strings.Repeat("d/", 300)))...)
	long := tarOf(t, append(above[:3:3], fileEntry("/layers/bp/layer/"+strings.Repeat("d", 5000), ""))...)
	window := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0} // 2 GiB
	for _, test := range []struct {
		name      string
		raw, blob []byte
		announced int64
		want      string
	}{
		{"more than announced, in zstd frames", large, packedData(t, blob.Zstd, large), 1_000_000, "1000000 bytes that are announced"},
		{"more than announced, in gzip members", large, packedData(t, blob.Gzip, large), 1_000_000, "1000000 bytes that are announced"},
		{"more than announced, in one zstd frame", large, single(t, large), 1_000_000, "1000000 bytes that are announced"},
		{"nothing announced", large, single(t, large), -1, "nothing says how large it is"},
		{"an absurd size", large, single(t, large), 1 << 62, "there is room for"},
		{"deep directories", deep, single(t, deep), -1, "levels"},
		{"a long name", long, single(t, long), -1, "bytes or"},
		{"a window of 2 GiB", large, window, -1, "window"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			layersDir, state := t.TempDir(), t.TempDir()
			diffID := blob.DigestOf(test.raw).String()
			s, _ := announcing(test.blob, diffID, test.announced)
			transfer, err := s.Restore(t.Context(), diffID, layersDir, "bp/layer", RestoreOptions{StateDir: state})
			if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
			if room := taken(t, layersDir); room > 0 {
				t.Errorf("%d bytes stay", room)
			}
			if transfer.Size > 80<<20 {
				t.Errorf("%d bytes were unpacked", transfer.Size)
			}
			if unusable := readUnusable(state, "bp/layer"); len(unusable) != 1 {
				t.Errorf("unusable blobs: %q", unusable)
			}
			if _, err := s.check(t.Context(), s.content(diffID)); err == nil && test.announced != -1 {
				t.Error("verify finds nothing")
			}
		})
	}
}

// TestAnnouncedRight restores what has exactly the announced size.
func TestAnnouncedRight(t *testing.T) {
	t.Parallel()
	raw := tarOf(t, append(above[:3:3], fileEntry("/layers/bp/layer/f", strings.Repeat("x", 3<<20)))...)
	diffID := blob.DigestOf(raw).String()
	s, _ := announcing(packedData(t, blob.Zstd, raw), diffID, int64(len(raw)))
	if _, err := s.Restore(t.Context(), diffID, t.TempDir(), "bp/layer", RestoreOptions{}); err != nil {
		t.Error(err)
	}
}

// TestRestoreHoles restores a file of zeros as one that takes no room, with the
// same fingerprint as any other.
func TestRestoreHoles(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("\x00", 30<<20) + "data" + strings.Repeat("\x00", 10<<20)
	raw := tarOf(t, append(above[:3:3], fileEntry("/layers/bp/layer/f", content))...)
	diffID := blob.DigestOf(raw).String()
	for _, data := range [][]byte{packedData(t, blob.Zstd, raw), packedData(t, blob.Gzip, raw), single(t, raw), raw} {
		layersDir, state := t.TempDir(), t.TempDir()
		s, _ := announcing(data, diffID, -1)
		_, err := s.Restore(t.Context(), diffID, layersDir, "bp/layer", RestoreOptions{StateDir: state})
		must(t, err)
		got, err := os.ReadFile(filepath.Join(layersDir, "bp/layer/f"))
		must(t, err)
		if string(got) != content {
			t.Error("another content")
		}
		if room := taken(t, layersDir); room > 1<<20 {
			t.Errorf("it takes %d bytes", room)
		}
		later := time.Now().Add(time.Hour) // so that the content is compared
		must(t, os.Chtimes(filepath.Join(layersDir, "bp/layer/f"), later, later))
		tree, err := archive.List(archive.Form{LayersDir: layersDir, Prefix: "/layers", Dir: "bp/layer"})
		must(t, err)
		defer tree.Close()
		if v, err := readFingerprint(state, "bp/layer").Compare(t.Context(), tree); err != nil || !v.Same {
			t.Errorf("%+v, %v", v, err)
		}
	}
}

// TestFootprint cannot be fooled.
func TestFootprint(t *testing.T) {
	t.Parallel()
	said := func(size int64, said string) Layer {
		return layerOf("", v1.Descriptor{Size: size, Annotations: map[string]string{uncompressedSize: said}})
	}
	large := strconv.Itoa(1<<63 - 1)
	for _, test := range []struct {
		name   string
		layers map[string]Layer
		label  string
		least  int64
	}{
		{"sizes that overflow", map[string]Layer{"a": said(1, large), "b": said(1, large), "c": said(1, "2")}, `{}`, 1<<63 - 1},
		{"blobs that overflow", map[string]Layer{"a": said(1<<62, "x"), "b": said(1<<62, "-1")}, `{}`, 1<<63 - 1},
		{"one blob for many layers", map[string]Layer{"a": said(1, "1000")}, `{"buildpacks":[{"key":"x","layers":{"a":{"sha":"a"},"b":{"sha":"a"},"c":{"sha":"a"}}}]}`, 3000},
	} {
		s := &Snapshot{layers: test.layers}
		var err error
		s.metadata, err = parseMetadata(test.label)
		must(t, err)
		if got := s.Footprint(); got < test.least {
			t.Errorf("%s: %d", test.name, got)
		}
	}
}
