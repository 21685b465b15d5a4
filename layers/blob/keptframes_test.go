package blob

import (
	"os"
	"path/filepath"
	"testing"
)

// TestKeptFramesFail loses what was kept: the save does without.
func TestKeptFramesFail(t *testing.T) {
	t.Parallel()
	var none *KeptFrames
	if _, ok := none.Find([]byte("x"), nil); ok {
		t.Error("nothing has a frame")
	}
	none.Close()
	path := filepath.Join(t.TempDir(), "state", "frames")
	k := NewFrameKeeper(path, NewKey())
	k.write([]byte("packed"))
	k.add(k.evidence([]byte("raw")), 6)
	records := k.Close()
	kept := OpenKeptFrames(path, k.key, records)
	if packed, ok := kept.Find([]byte("raw"), nil); !ok || string(packed) != "packed" {
		t.Errorf("found %q, %t", packed, ok)
	}
	if _, ok := kept.Find([]byte("other"), nil); ok {
		t.Error("found what was not kept")
	}
	kept.Close()
	must(t, os.Truncate(path, 3))
	kept = OpenKeptFrames(path, k.key, records)
	if _, ok := kept.Find([]byte("raw"), nil); ok {
		t.Error("found half a frame")
	}
	kept.Close()
	must(t, os.Remove(path))
	if OpenKeptFrames(path, k.key, records) != nil {
		t.Error("found what is gone")
	}
	broken := NewFrameKeeper(path, NewKey())
	broken.file.Close()
	broken.write([]byte("packed"))
	if got := broken.Close(); got != nil {
		t.Errorf("kept %v although nothing could be written", got)
	}
}
