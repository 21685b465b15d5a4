package layers

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/pack-cache/pack-cache/internal/test/testtree"
	"github.com/pack-cache/pack-cache/layers/archive"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// TestKeptFrames saves a layer that changed before, with and without the frames
// that its restore has kept: the saved layer is good, whatever was changed, and
// only frames with something new in them are compressed.
func TestKeptFrames(t *testing.T) {
	t.Parallel()
	const files = 40
	name := func(i int) string { return fmt.Sprintf("file%02d", i) }
	first := func(t *testing.T) *fakeStore {
		store := newFakeStore()
		m := newMachine(t, store, "samples/java")
		for i := range files {
			write(t, filepath.Join(m.layersDir, m2.ID.Dir(), name(i)), string(testtree.Bytes(200_000+i)))
		}
		m.makes(m2)
		m.save()
		again := newMachine(t, store, "samples/java")
		again.makes(m2, name(0)) // now it is known to change
		again.save()
		return store
	}
	for _, test := range []struct {
		name   string
		change func(t *testing.T, dir string)
		// squeezed is how many frames may have been compressed.
		squeezed int
	}{
		{"one file", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, name(7)), string(testtree.Bytes(200_007))+"!")
		}, 3},
		{"same size", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, name(39)), string(bytes.Repeat([]byte("x"), 200_039)))
		}, 1},
		{"a new file", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "file20a"), "small") }, 3},
		{"a file less", func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, name(39)))) }, 2},
		{"everything", func(t *testing.T, dir string) {
			for i := range files {
				write(t, filepath.Join(dir, name(i)), fmt.Sprint("other ", i))
			}
		}, 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store := first(t)
			snapshot, err := Load(t.Context(), store, "latest")
			must(t, err)
			for _, keep := range []bool{false, true} {
				m := newMachine(t, newFakeStore(), "samples/java")
				diffID := previousDiffID(snapshot, m2.ID)
				_, err := snapshot.Restore(t.Context(), diffID, m.layersDir, m2.ID.Dir(), RestoreOptions{StateDir: m.req.StateDir, KeepFrames: keep})
				must(t, err)
				f := readFingerprint(m.req.StateDir, m2.ID.Dir())
				if f == nil || len(f.Frames) > 0 != keep {
					t.Fatalf("with keep=%t, %d frames were kept", keep, len(f.Frames))
				}
				test.change(t, filepath.Join(m.layersDir, m2.ID.Dir()))
				if keep {
					wantKept(t, m, f, test.squeezed)
				}
				m.req.Imports = []*Snapshot{snapshot}
				m.makes(m2)
				m.save()
				saved, err := Load(t.Context(), m.req.Store, "latest")
				must(t, err)
				if checked, err := saved.Check(t.Context(), nil); err != nil || len(checked) != 1 || checked[0].Err != nil {
					t.Error(err, checked)
				}
			}
		})
	}
}

// wantKept archives the layer as it is now, and counts what is not among the kept
// frames.
func wantKept(t *testing.T, m *machine, f *archive.Fingerprint, most int) {
	t.Helper()
	kept := blob.OpenKeptFrames(stateFile(m.req.StateDir, f.Dir, framesState), f.Key, f.Frames)
	defer kept.Close()
	tree, err := archive.List(archive.Form{
		LayersDir: m.layersDir, Prefix: "/layers", Dir: m2.ID.Dir(), UID: m.req.UID, GID: m.req.GID,
	})
	must(t, err)
	defer tree.Close()
	press, err := blob.NewPress(blob.Compression{Codec: blob.Uncompressed})
	must(t, err)
	decoder, err := zstd.NewReader(nil)
	must(t, err)
	defer decoder.Close()
	missing, all := 0, 0
	_, err = press.Pack(t.Context(), frameSink(func(frame []byte) {
		all++
		packed, ok := kept.Find(frame, nil)
		if !ok {
			missing++
			return
		}
		if again, err := decoder.DecodeAll(packed, nil); err != nil || !bytes.Equal(again, frame) {
			t.Errorf("a kept frame decodes to something else: %v", err)
		}
	}), blob.Content{Fill: tree.WriteArchive})
	must(t, err)
	if missing > most || all < 2 && most < 100 {
		t.Errorf("%d of %d frames are not among the kept, want %d at most", missing, all, most)
	}
}

// frameSink is told of every frame that is written.
type frameSink func([]byte)

// Write implements io.Writer.
func (s frameSink) Write(p []byte) (int, error) {
	s(p)
	return len(p), nil
}
