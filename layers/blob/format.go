package blob

import (
	"io"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// format is how blobs of a codec are made.
type format struct {
	// oci and docker are the media types of a layer; docker is "" where notDocker
	// says why Docker's manifests cannot have one.
	oci, docker types.MediaType
	notDocker   string
	// highest is the highest level, 0 for a codec without levels.
	highest int
	// compressor compresses frames; nil where they stay as they are, since there is
	// nothing to compress or the whole archive is compressed as it comes out.
	compressor func(Compression) (compressor, error)
	// salt writes text in a frame that decodes to nothing; nil where there is no
	// such frame.
	salt func(to io.Writer, text string) error
}

// compressor compresses the frames of archives. It is safe for concurrent use.
type compressor interface {
	// compress returns raw as a frame, in the memory of packed if it fits.
	compress(raw, packed []byte) []byte
}

// formats are the codecs that can be written. Their compressors are made for levels
// that have been checked.
var formats = map[Codec]format{
	Zstd: {
		oci: types.OCILayerZStd, notDocker: "Docker media types know no zstd",
		highest: 22, compressor: newZstdCompressor, salt: saltZstd,
	},
	Gzip: {oci: types.OCILayer, docker: types.DockerLayer, highest: 9, compressor: newGzipCompressor, salt: saltGzip},
	Estargz: {
		oci: types.OCILayer, notDocker: "Docker manifests have no annotations to find the table of contents by",
		highest: 9,
	},
	Uncompressed: {oci: types.OCIUncompressedLayer, docker: types.DockerUncompressedLayer},
}
