package platform

import (
	"fmt"

	"github.com/buildpacks/lifecycle/platform/files"
	"github.com/google/go-containerregistry/pkg/name"
)

// checkAnalyzed fails unless analyze has found the images that it was asked
// about: by digest, in their repositories. What it says of their layers comes
// from the previous image, and is checked by those who use it.
func (b *build) checkAnalyzed(found files.Analyzed) error {
	run, previous := found.RunImageRef(), found.PreviousImageRef()
	if b.known != nil {
		var kept string
		if b.known.Previous != nil {
			kept = b.known.Previous.Reference
		}
		if run != b.known.Run.Reference || previous != "" && previous != kept {
			return fmt.Errorf("analyze: it answers about %q and %q, and was asked about %q and %q", run, previous, b.known.Run.Reference, kept)
		}
		return nil
	}
	if err := isOf(run, b.runImage); err != nil {
		return fmt.Errorf("analyze: run image: %w", err)
	}
	if previous == "" {
		return nil
	}
	if err := isOf(previous, b.previous); err != nil {
		return fmt.Errorf("analyze: previous image: %w", err)
	}
	return nil
}

// isOf fails unless found is an image by digest in the repository of asked.
func isOf(found, asked string) error {
	digest, err := name.NewDigest(found, name.WeakValidation)
	if err != nil {
		return fmt.Errorf("%q is not an image by digest", found)
	}
	want, err := name.ParseReference(asked, name.WeakValidation)
	if err != nil {
		return err
	}
	if digest.Context().Name() != want.Context().Name() {
		return fmt.Errorf("%s is not in the repository of %s", found, asked)
	}
	return nil
}
