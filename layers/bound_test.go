package layers

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// announcing is a snapshot of one blob that announces an archive of so many bytes.
func announcing(blob []byte, diffID string, size int64) (*Snapshot, *fakeStore) {
	store := newFakeStore()
	s := snapshotOf(store, blob, diffID)
	if size >= 0 {
		known := s.blobs[diffID]
		known.Annotations = map[string]string{sizeAnnotation: strconv.FormatInt(size, 10)}
		s.blobs[diffID] = known
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
	large := archive(t, append(above[:3:3], fileEntry("/layers/bp/layer/f", strings.Repeat("x", 200<<20)))...)
	deep := archive(t, append(above[:3:3], dirEntry("/layers/bp/layer/"+strings.Repeat("d/", 300)))...)
	long := archive(t, append(above[:3:3], fileEntry("/layers/bp/layer/"+strings.Repeat("d", 5000), ""))...)
	window := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0} // 2 GiB
	for _, test := range []struct {
		name      string
		raw, blob []byte
		announced int64
		want      string
	}{
		{"more than announced, in zstd frames", large, framed(t, large), 1_000_000, "1000000 bytes that are announced"},
		{"more than announced, in gzip members", large, squeezed(t, large), 1_000_000, "1000000 bytes that are announced"},
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
			diffID := digestOf(test.raw).String()
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
	raw := archive(t, append(above[:3:3], fileEntry("/layers/bp/layer/f", strings.Repeat("x", 3<<20)))...)
	diffID := digestOf(raw).String()
	s, _ := announcing(framed(t, raw), diffID, int64(len(raw)))
	if _, err := s.Restore(t.Context(), diffID, t.TempDir(), "bp/layer", RestoreOptions{}); err != nil {
		t.Error(err)
	}
}

// TestRestoreHoles restores a file of zeros as one that takes no room, with the
// same fingerprint as any other.
func TestRestoreHoles(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("\x00", 30<<20) + "data" + strings.Repeat("\x00", 10<<20)
	raw := archive(t, append(above[:3:3], fileEntry("/layers/bp/layer/f", content))...)
	diffID := digestOf(raw).String()
	for _, blob := range [][]byte{framed(t, raw), squeezed(t, raw), single(t, raw), raw} {
		layersDir, state := t.TempDir(), t.TempDir()
		s, _ := announcing(blob, diffID, -1)
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
		entries, root, err := listTree(filepath.Join(layersDir, "bp/layer"))
		must(t, err)
		defer root.Close()
		f := readFingerprint(state, "bp/layer")
		for i := range f.records { // so that the content is compared
			f.records[i].mtime.Sec++
		}
		if v, err := f.compare(t.Context(), entries, root); err != nil || !v.same || v.read != 1 {
			t.Errorf("%+v, %v", v, err)
		}
	}
}

// TestFootprint cannot be fooled.
func TestFootprint(t *testing.T) {
	t.Parallel()
	blob := func(size int64, said string) v1.Descriptor {
		return v1.Descriptor{Size: size, Annotations: map[string]string{sizeAnnotation: said}}
	}
	large := strconv.Itoa(1<<63 - 1)
	for _, test := range []struct {
		name  string
		blobs map[string]v1.Descriptor
		label string
		least int64
	}{
		{"sizes that overflow", map[string]v1.Descriptor{"a": blob(1, large), "b": blob(1, large), "c": blob(1, "2")}, `{}`, 1<<63 - 1},
		{"blobs that overflow", map[string]v1.Descriptor{"a": blob(1<<62, "x"), "b": blob(1<<62, "-1")}, `{}`, 1<<63 - 1},
		{"one blob for many layers", map[string]v1.Descriptor{"a": blob(1, "1000")}, `{"buildpacks":[{"key":"x","layers":{"a":{"sha":"a"},"b":{"sha":"a"},"c":{"sha":"a"}}}]}`, 3000},
	} {
		s := &Snapshot{blobs: test.blobs}
		var err error
		s.metadata, err = parseMetadata(test.label)
		must(t, err)
		if got := s.Footprint(); got < test.least {
			t.Errorf("%s: %d", test.name, got)
		}
	}
}

// FuzzBomb changes what a blob announces and what it has.
func FuzzBomb(f *testing.F) {
	raw := archive(f, append(above[:3:3], fileEntry("/layers/bp/layer/f", strings.Repeat("x", 3000)))...)
	f.Add(framed(f, raw), int64(len(raw)))
	f.Add(squeezed(f, raw), int64(10))
	f.Add(single(f, raw), int64(-1))
	f.Fuzz(func(t *testing.T, blob []byte, size int64) {
		if len(blob) == 0 {
			return
		}
		bound, err := boundOf(v1.Descriptor{Size: int64(len(blob)), Annotations: map[string]string{sizeAnnotation: strconv.FormatInt(size, 10)}}, "")
		if err != nil {
			return
		}
		decoder, err := newDecoder(bytes.NewReader(blob), bound)
		if err != nil {
			return
		}
		defer decoder.Close()
		got, err := io.Copy(io.Discard, decoder)
		if size >= 0 && got > size {
			t.Errorf("%d bytes came out of %d, %v", got, size, err)
		}
	})
}

// TestSaveWhatCanBeRestored does not save what no build would restore.
func TestSaveWhatCanBeRestored(t *testing.T) {
	t.Parallel()
	if err := restorable("/layers/bp/layer", []entry{{path: ""}, {path: strings.Repeat("d/", 200) + "f"}}); err != nil {
		t.Error(err)
	}
	if err := restorable("/layers/bp/layer", []entry{{path: ""}, {path: strings.Repeat("d/", 300) + "f"}}); err == nil {
		t.Error("deep directories are saved")
	}
	if err := restorable("/layers/bp/layer", make([]entry, 1<<20+1)); err == nil {
		t.Error("too many entries are saved")
	}
}
