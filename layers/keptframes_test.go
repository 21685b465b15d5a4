package layers

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
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
			write(t, filepath.Join(m.layersDir, m2.ID.Dir(), name(i)), string(randomBytes(200_000+i)))
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
			write(t, filepath.Join(dir, name(7)), string(randomBytes(200_007))+"!")
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
				if f == nil || len(f.frames) > 0 != keep {
					t.Fatalf("with keep=%t, %d frames were kept", keep, len(f.frames))
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
func wantKept(t *testing.T, m *machine, f *fingerprint, most int) {
	t.Helper()
	kept := openKeptFrames(m.req.StateDir, f)
	defer kept.close()
	form := archiveForm{prefix: "/layers", dir: m2.ID.Dir(), uid: m.req.UID, gid: m.req.GID}
	entries, root, err := listTree(filepath.Join(m.layersDir, form.dir))
	must(t, err)
	defer root.Close()
	archive := &treeArchive{form: form, layersDir: m.layersDir, entries: entries, root: root}
	plain, err := newPress(Compression{Codec: Uncompressed})
	must(t, err)
	missing, all := 0, 0
	_, err = plain.run(t.Context(), frameSink(func(frame []byte) {
		all++
		packed, ok := kept.find(frame, nil)
		if !ok {
			missing++
			return
		}
		form, err := newZstdForm()
		must(t, err)
		again := make([]byte, len(frame), len(frame)+blockMargin)
		if err := form.decode(packed, again); err != nil || !bytes.Equal(again, frame) {
			t.Errorf("a kept frame decodes to something else: %v", err)
		}
	}), archive.writeTo)
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

// TestKeptFramesFail loses what was kept: the save does without.
func TestKeptFramesFail(t *testing.T) {
	t.Parallel()
	var none *keptFrames
	if _, ok := none.find([]byte("x"), nil); ok {
		t.Error("nothing has a frame")
	}
	none.close()
	state := t.TempDir()
	k := newFrameKeeper(state, "bp/layer", newEvidenceKey())
	k.write([]byte("packed"))
	k.add(k.evidence([]byte("raw")), 6)
	records := k.close()
	f := &fingerprint{dir: "bp/layer", key: k.key, frames: records}
	kept := openKeptFrames(state, f)
	if packed, ok := kept.find([]byte("raw"), nil); !ok || string(packed) != "packed" {
		t.Errorf("found %q, %t", packed, ok)
	}
	if _, ok := kept.find([]byte("other"), nil); ok {
		t.Error("found what was not kept")
	}
	kept.close()
	must(t, os.Truncate(stateFile(state, "bp/layer", framesState), 3))
	kept = openKeptFrames(state, f)
	if _, ok := kept.find([]byte("raw"), nil); ok {
		t.Error("found half a frame")
	}
	kept.close()
	must(t, forgetFrames(state, "bp/layer"))
	if openKeptFrames(state, f) != nil {
		t.Error("found what was forgotten")
	}
	broken := newFrameKeeper(state, "bp/layer", newEvidenceKey())
	broken.file.Close()
	broken.write([]byte("packed"))
	if got := broken.close(); got != nil {
		t.Errorf("kept %v although nothing could be written", got)
	}
}
