package blob

import (
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// BoundOf is the bound of the archive in a blob that is to be unpacked below dir;
// "" says that it is only read.
func BoundOf(blob v1.Descriptor, dir string) (*bounds.Archive, error) {
	bound, err := bounds.NewArchive(blob.Size, Announced(blob), dir)
	return bound, overBound(err)
}

// overBound makes an error of package bounds one of the blob. Lack of room is no
// fault of it.
func overBound(err error) error {
	if errors.Is(err, bounds.ErrExceeded) {
		return fmt.Errorf("%w: %w", err, ErrCorrupt)
	}
	return err
}
