package kinds

import (
	"context"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/reference"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/registry"
)

// registryAttrs are the attributes of type=registry.
type registryAttrs struct {
	Ref           image `attr:"ref" required:"true" form:"image" help:"reference of the cache image"`
	OCIMediaTypes bool  `attr:"oci-mediatypes" only:"export" default:"true" help:"false: Docker's schema 2 media types, for registries and daemons that know no others; needs compression=gzip or uncompressed"`
	ImageManifest bool  `attr:"image-manifest" only:"export" default:"true" help:"a cache is always an image: false is refused"`
	Insecure      bool  `attr:"registry.insecure" default:"false" help:"plain HTTP, or TLS that is not verified"`
}

// image is a reference, parsed once from what the user wrote and once in a phase.
type image struct{ name.Reference }

// UnmarshalText implements encoding.TextUnmarshaler. The error is a
// *reference.Error.
func (i *image) UnmarshalText(text []byte) (err error) {
	i.Reference, err = reference.Parse("cache image", string(text), nil)
	return err
}

// MarshalText implements encoding.TextMarshaler.
func (i image) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// Image is the location of a cache that is an image in a registry.
func Image(ref name.Reference) Location {
	return Location{Place: Place{"registry", &registryAttrs{Ref: image{ref}}}}
}

func (a *registryAttrs) complete(string, string) error {
	if !a.ImageManifest {
		return hint.Usagef("leave image-manifest out", "attribute image-manifest=false is not possible: "+
			"a cache is an image that the lifecycle reads; some registries reject an index of blobs")
	}
	return nil
}

func (a *registryAttrs) facts() Facts {
	return Facts{Label: a.Ref.Name(), Snapshot: a.Ref.Identifier(), Image: a.Ref.Reference, Insecure: a.Insecure}
}

// names is the tag, if it was written.
func (a *registryAttrs) names(func(string) bool) []string {
	if tag, ok := a.Ref.Reference.(name.Tag); ok && strings.HasSuffix(tag.String(), ":"+tag.TagStr()) {
		return []string{tag.TagStr()}
	}
	return nil
}

func (a *registryAttrs) export(to *Export) { to.DockerMediaTypes = !a.OCIMediaTypes }

func (a *registryAttrs) open(_ context.Context, with Access) (layers.Store, error) {
	insecure := a.Insecure || slices.Contains(with.Insecure, a.Ref.Context().RegistryStr())
	return registry.New(registry.Config{Ref: a.Ref.Reference, Insecure: insecure, Keychain: with.Keychain}), nil
}
