package archive

import (
	"math"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// restorable refuses a layer that no build would restore. top is the name of its
// directory in the archive.
func restorable(top string, entries []entry) error {
	bound, err := bounds.NewArchive(math.MaxInt64, -1, "")
	for i := range entries {
		if err == nil {
			err = bound.Entry(top + "/" + entries[i].path)
		}
	}
	return err
}
