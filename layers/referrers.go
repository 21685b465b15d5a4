package layers

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// ArtifactType is the type of a snapshot that belongs to an app image: an image
// manifest whose subject is that image (OCI image specification, "Guidelines
// for Artifact Usage").
const ArtifactType = "application/vnd.pack-cache.cache.v1"

// GenerationAnnotation is the annotation of such a manifest that says how many
// there were before it for the same image. Of several, the last one counts.
const GenerationAnnotation = "com.github.pack-cache.generation"

// Referrers is an optional interface of stores that know which manifests refer to
// another one.
type Referrers interface {
	// Referrers returns the descriptors of the manifests of an artifact type
	// whose subject is the given manifest, in any order; none is no error. They
	// have the annotations of the manifests.
	Referrers(ctx context.Context, subject v1.Hash, artifactType string) ([]v1.Descriptor, error)
}

// Generation is the number in a manifest's GenerationAnnotation; 0 without one.
func Generation(d v1.Descriptor) int {
	n, err := strconv.Atoi(d.Annotations[GenerationAnnotation])
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// Newer reports whether a came after b. Where two builds saved at once, their
// digests decide, so that all readers agree.
func Newer(a, b v1.Descriptor) bool {
	return cmp.Or(cmp.Compare(Generation(a), Generation(b)), cmp.Compare(a.Digest.Hex, b.Digest.Hex)) > 0
}

// Newest is the last of manifests that refer to the same one, and whether there
// is any.
func Newest(all []v1.Descriptor) (v1.Descriptor, bool) {
	if len(all) == 0 {
		return v1.Descriptor{}, false
	}
	return slices.MaxFunc(all, func(a, b v1.Descriptor) int {
		switch {
		case Newer(a, b):
			return 1
		case Newer(b, a):
			return -1
		}
		return 0
	}), true
}
