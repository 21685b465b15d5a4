package kinds

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/inline"
	"github.com/pack-cache/pack-cache/layers/registry"
)

// inlineAttrs are the attributes of type=inline. Users write none, because other
// flags say where the app image goes.
type inlineAttrs struct {
	// App is the app image; nil until it is known.
	App *registryAttrs
}

// InApp returns the location of an inline cache in an app image.
func (l Location) InApp(app name.Reference) Location {
	l.Place = Place{"inline", &inlineAttrs{&registryAttrs{Ref: image{app}}}}
	return l
}

// Beside makes the store of what belongs to app images, of the one for their
// repository.
func Beside(images layers.Store) (layers.Store, error) {
	repository, ok := images.(*registry.Store)
	if !ok {
		return nil, fmt.Errorf("%s is not a repository of images", images)
	}
	return inline.New(repository), nil
}

func (a *inlineAttrs) complete(use, _ string) error {
	if use == toImport {
		return hint.Usagef("write --import-cache type=registry,ref=IMAGE, with an app image that was published with --export-cache type=inline",
			"an inline cache is part of an app image, and imported as one")
	}
	return nil
}

func (a *inlineAttrs) facts() Facts {
	if a.App == nil {
		return Facts{Label: "inline"}
	}
	return a.App.facts()
}

func (a *inlineAttrs) names(func(string) bool) []string { return nil }

func (a *inlineAttrs) export(to *Export) { to.Inline = true }

func (a *inlineAttrs) open(ctx context.Context, with Access) (layers.Store, error) {
	if a.App == nil {
		return nil, fmt.Errorf("an inline cache has no app image")
	}
	return a.App.open(ctx, with)
}
