package blob

import (
	"fmt"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Codec is how a layer's tar is compressed.
type Codec string

// The codecs that can be written. All of them can be read, whatever the media
// type says.
const (
	Zstd         Codec = "zstd"
	Gzip         Codec = "gzip"
	Estargz      Codec = "estargz"
	Uncompressed Codec = "uncompressed"
)

// Compression says how new blobs are compressed. The zero value is zstd at its
// fastest, which on real cache layers is smaller than gzip and five times
// quicker to unpack.
type Compression struct {
	// Codec is one of the constants; "" is Zstd.
	Codec Codec
	// Level is the codec's own: 0 to 9 for gzip and estargz, 0 to 22 for zstd, of which
	// four steps are distinguished. nil is the fastest.
	Level *int
}

// Check returns an *OptionError if blobs cannot be written like this, with
// Docker's media types instead of OCI's if dockerMediaTypes is set.
func (c Compression) Check(dockerMediaTypes bool) error {
	_, err := c.MediaType(dockerMediaTypes)
	return err
}

// codec is c.Codec with the default filled in.
func (c Compression) codec() Codec {
	if c.Codec == "" {
		return Zstd
	}
	return c.Codec
}

// MediaType is the media type of a layer in this compression, in Docker's terms or
// OCI's. The error is an *OptionError.
func (c Compression) MediaType(docker bool) (types.MediaType, error) {
	if err := c.check(); err != nil {
		return "", err
	}
	switch {
	case c.codec() == Zstd && docker:
		return "", &OptionError{Option: "compression=zstd", Remedy: "Docker media types know no zstd: use compression=gzip, or leave oci-mediatypes at true"}
	case c.codec() == Zstd:
		return types.OCILayerZStd, nil
	case c.codec() == Estargz && docker:
		return "", &OptionError{Option: "compression=estargz", Remedy: "Docker manifests have no annotations to find the table of contents by: use compression=gzip, or leave oci-mediatypes at true"}
	case c.codec() == Estargz:
		return types.OCILayer, nil
	case c.codec() == Gzip && docker:
		return types.DockerLayer, nil
	case c.codec() == Gzip:
		return types.OCILayer, nil
	case docker:
		return types.DockerUncompressedLayer, nil
	default:
		return types.OCIUncompressedLayer, nil
	}
}

func (c Compression) check() error {
	highest, ok := map[Codec]int{Zstd: 22, Gzip: 9, Estargz: 9, Uncompressed: 0}[c.codec()]
	if !ok {
		return &OptionError{Option: fmt.Sprintf("compression=%s", c.Codec), Remedy: "use zstd, gzip, estargz or uncompressed"}
	}
	if c.Level != nil && c.codec() == Uncompressed {
		return &OptionError{Option: fmt.Sprintf("compression-level=%d", *c.Level), Remedy: "uncompressed has no levels: leave compression-level out"}
	}
	if c.Level != nil && (*c.Level < 0 || *c.Level > highest) {
		return &OptionError{
			Option: fmt.Sprintf("compression-level=%d", *c.Level),
			Remedy: fmt.Sprintf("%s takes levels from 0 to %d", c.codec(), highest),
		}
	}
	return nil
}

// Plain is the same compression, or the one next to it, in which the diffID is the
// digest of the archive.
func (c Compression) Plain() Compression {
	if c.codec() == Estargz {
		c.Codec = Gzip
	}
	return c
}

func (c Compression) zstdLevel() zstd.EncoderLevel {
	if c.Level == nil {
		return zstd.SpeedFastest
	}
	if *c.Level == 0 { // as in the zstd tool: "the default", which is 3
		return zstd.SpeedDefault
	}
	return zstd.EncoderLevelFromZstd(*c.Level)
}

func (c Compression) gzipLevel() int {
	if c.Level == nil {
		return gzip.BestSpeed
	}
	return *c.Level
}

// codecOf says what a layer's media type claims.
func codecOf(mediaType types.MediaType) Codec {
	switch mediaType {
	case types.OCILayerZStd:
		return Zstd
	case types.OCIUncompressedLayer, types.DockerUncompressedLayer, types.OCIUncompressedRestrictedLayer:
		return Uncompressed
	default:
		return Gzip
	}
}

// InFamily is the layer media type for the same compression in OCI or Docker terms.
// Docker has none for zstd.
func InFamily(mediaType types.MediaType, docker bool) types.MediaType {
	translated, err := Compression{Codec: codecOf(mediaType)}.MediaType(docker)
	if err != nil {
		return mediaType
	}
	return translated
}

// OptionError reports a setting that cannot be.
type OptionError struct {
	// Option is the setting as the user writes it.
	Option string
	// Remedy says what would be valid.
	Remedy string
}

// Error implements error.
func (e *OptionError) Error() string { return fmt.Sprintf("%s is not possible", e.Option) }

// Hint says what the user can do.
func (e *OptionError) Hint() string { return e.Remedy }
