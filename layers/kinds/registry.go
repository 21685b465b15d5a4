package kinds

import (
	"context"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/registry"
)

// registryAttrs are the attributes of type=registry.
type registryAttrs struct {
	Ref           string `attr:"ref" required:"true" form:"image" help:"reference of the cache image"`
	OCIMediaTypes bool   `attr:"oci-mediatypes" only:"export" default:"true" help:"false: Docker's schema 2 media types, for registries and daemons that know no others; needs compression=gzip or uncompressed"`
	ImageManifest bool   `attr:"image-manifest" only:"export" default:"true" help:"a cache is always an image: false is refused"`
	Insecure      bool   `attr:"registry.insecure" default:"false" help:"plain HTTP, or TLS that is not verified"`
}

func (a *registryAttrs) check(string) error {
	if !a.ImageManifest {
		return hint.Usagef("leave image-manifest out", "attribute image-manifest=false is not possible: "+
			"a cache is an image that the lifecycle reads; some registries reject an index of blobs")
	}
	return nil
}

func (a *registryAttrs) export(to *Export) { to.DockerMediaTypes = !a.OCIMediaTypes }

func openRegistry(_ context.Context, a registryAttrs, with Credentials) (layers.Store, string, error) {
	store, err := registry.New(registry.Config{Ref: a.Ref, Insecure: a.Insecure, Keychain: with.Keychain})
	if err != nil {
		return nil, "", err
	}
	return store, store.Name(), nil
}
