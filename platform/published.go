package platform

import (
	"context"
	"errors"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// publishing lets a phase say that the app image is published.
func (b *build) publishing(call *phases.Call) {
	if b.Output.To == ToRegistry {
		call.Published = b.published
	}
}

// published fails unless all names of the app image stand for a digest. Export
// has said so, and pack-cache prints only what it has seen itself.
func (b *build) published(ctx context.Context, digest string) error {
	for _, image := range b.names {
		found, err := b.apps.Head(ctx, image.ref)
		if _, answered := errors.AsType[*transport.Error](err); err != nil && !answered {
			// The answer may lack a digest, which is computed of the whole then.
			var whole *remote.Descriptor
			if whole, err = b.apps.Get(ctx, image.ref); err == nil {
				found = &whole.Descriptor
			}
		}
		if err != nil {
			err = b.remoteError(ctx, image.what, image.ref, err)
			if errors.Is(err, errNotThere) {
				err = hint.With("export reports that the image was published: check the registry and, if it works, the builder", err)
			}
			return err
		}
		if got := found.Digest.String(); got != digest {
			return hint.Errorf("another build may have published to that name at the same time: build again; if there is none, do not trust the builder",
				"%s %s is image %s in the registry, and export says that it has published %s", image.what, image.ref, got, digest)
		}
	}
	return nil
}
