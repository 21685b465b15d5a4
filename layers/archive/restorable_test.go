package archive

import (
	"strings"
	"testing"
)

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
