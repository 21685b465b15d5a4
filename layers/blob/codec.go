package blob

import (
	"fmt"

	"github.com/google/go-containerregistry/pkg/v1/types"
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
	format := formats[c.codec()]
	switch {
	case !docker:
		return format.oci, nil
	case format.docker == "":
		return "", &OptionError{
			Option: fmt.Sprintf("compression=%s", c.codec()),
			Remedy: format.notDocker + ": use compression=gzip, or leave oci-mediatypes at true",
		}
	}
	return format.docker, nil
}

func (c Compression) check() error {
	format, ok := formats[c.codec()]
	switch {
	case !ok:
		return &OptionError{Option: fmt.Sprintf("compression=%s", c.Codec), Remedy: "use zstd, gzip, estargz or uncompressed"}
	case c.Level == nil:
		return nil
	case format.highest == 0:
		return &OptionError{Option: fmt.Sprintf("compression-level=%d", *c.Level), Remedy: string(c.codec()) + " has no levels: leave compression-level out"}
	case *c.Level < 0 || *c.Level > format.highest:
		return &OptionError{
			Option: fmt.Sprintf("compression-level=%d", *c.Level),
			Remedy: fmt.Sprintf("%s takes levels from 0 to %d", c.codec(), format.highest),
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
