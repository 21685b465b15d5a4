package kinds

import (
	"context"
	"fmt"

	"github.com/pack-cache/pack-cache/internal/attrs"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/inline"
	"github.com/pack-cache/pack-cache/layers/registry"
)

// inlineAttrs are the attributes of type=inline. There are none, because other
// flags say where the app image goes.
type inlineAttrs struct{}

func (a *inlineAttrs) check(use string) error {
	if use == toImport {
		return hint.Usagef("write --import-cache type=registry,ref=IMAGE, with an app image that was published with --export-cache type=inline",
			"an inline cache is part of an app image, and imported as one")
	}
	return nil
}

func (a *inlineAttrs) export(to *Export) { to.Inline = true }

// inlineKind is the cache that is part of the app image. Its location has the
// attributes of the image's, which the platform fills in.
func inlineKind() Kind {
	return Kind{
		Type: "inline", Help: "The app image itself. It needs --publish, and is imported with type=registry,ref=IMAGE.",
		attributes: func() any { return new(inlineAttrs) },
		Open: func(ctx context.Context, at Location, with Credentials) (layers.Store, string, error) {
			var image registryAttrs
			if err := attrs.Load(at.Attrs, &image); err != nil {
				return nil, "", err
			}
			return openRegistry(ctx, image, with)
		},
		Beside: func(images layers.Store) (layers.Store, error) {
			repository, ok := images.(*registry.Store)
			if !ok {
				return nil, fmt.Errorf("%s is not a repository of images", images)
			}
			return inline.New(repository), nil
		},
	}
}
