package blob

import (
	"strconv"

	"github.com/containerd/stargz-snapshotter/estargz"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	// sizeAnnotation of a layer is the size of its archive in bytes.
	sizeAnnotation = "com.github.pack-cache.uncompressed-size"
	// archiveAnnotation of an eStargz layer is the sha256 digest of its archive.
	archiveAnnotation = "com.github.pack-cache.archive"
)

// CodecOf is what a layer's descriptor claims.
func CodecOf(blob v1.Descriptor) Codec {
	codec := codecOf(blob.MediaType)
	if _, ok := blob.Annotations[estargz.TOCJSONDigestAnnotation]; ok && codec == Gzip {
		return Estargz
	}
	return codec
}

// ArchiveSize is the size of the archive in a blob, and whether its annotations say
// so.
func ArchiveSize(blob v1.Descriptor) (int64, bool) {
	size, err := strconv.ParseInt(blob.Annotations[sizeAnnotation], 10, 64)
	if err != nil || size < 0 {
		return 0, false
	}
	return size, true
}

// ArchiveOf returns the digest of the archive in the blob of a layer with the given
// diffID, and its size if that is less than all that is compressed, else -1.
func ArchiveOf(blob v1.Descriptor, diffID string) (digest string, size int64) {
	digest, ok := blob.Annotations[archiveAnnotation]
	size, said := ArchiveSize(blob)
	if !ok || !said || CodecOf(blob) != Estargz {
		return diffID, -1
	}
	return digest, size
}

// Announced is how many bytes all that is compressed in a blob has, -1 if its
// annotations do not say so.
func Announced(blob v1.Descriptor) int64 {
	said := sizeAnnotation
	if CodecOf(blob) == Estargz {
		said = estargz.StoreUncompressedSizeAnnotation // archive and table
	}
	size, err := strconv.ParseInt(blob.Annotations[said], 10, 64)
	if err != nil || size < 0 {
		return -1
	}
	return size
}
