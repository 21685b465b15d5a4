package platform

import (
	"fmt"

	"github.com/buildpacks/lifecycle/platform/files"
)

// checkAnalyzed fails unless analyze answers about the images that it was told of.
// What it says of their layers comes from the previous image, and is checked by those
// who use it.
func (b *build) checkAnalyzed(found files.Analyzed) error {
	run, previous := found.RunImageRef(), found.PreviousImageRef()
	var kept string
	if b.known.Previous != nil {
		kept = b.known.Previous.Reference
	}
	if run != b.known.Run.Reference || previous != "" && previous != kept {
		return fmt.Errorf("analyze: it answers about %q and %q, and was asked about %q and %q", run, previous, b.known.Run.Reference, kept)
	}
	return nil
}
