package layers

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/containerd/stargz-snapshotter/estargz"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// boundOf is the bound of the archive in a blob that is to be unpacked below dir;
// "" says that it is only read.
func boundOf(blob v1.Descriptor, dir string) (*bounds.Archive, error) {
	bound, err := bounds.NewArchive(blob.Size, announced(blob), dir)
	return bound, overBound(err)
}

// announced is how many bytes all that is compressed in a blob has, -1 if its
// annotations do not say so.
func announced(blob v1.Descriptor) int64 {
	said := sizeAnnotation
	if blobCodec(blob) == Estargz {
		said = estargz.StoreUncompressedSizeAnnotation // archive and table
	}
	size, err := strconv.ParseInt(blob.Annotations[said], 10, 64)
	if err != nil || size < 0 {
		return -1
	}
	return size
}

// overBound makes an error of package bounds one of the blob. Lack of room is no
// fault of it.
func overBound(err error) error {
	if errors.Is(err, bounds.ErrExceeded) {
		return fmt.Errorf("%w: %w", err, ErrCorrupt)
	}
	return err
}

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

// sum adds sizes that others have written, without an overflow.
func sum(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
