package phases

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	registry "github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/trust"
)

// checkAccess fails if the app image cannot be written, or the previous image must not
// be read (CNB Platform specification, "analyzer").
func (j *job) checkAccess(ctx context.Context, in AnalyzeInput) error {
	if in.Known.Refused {
		if err := j.checkRead(ctx, in.PreviousImage); err != nil {
			return fmt.Errorf("validating registry read access: failed to ensure registry read access to %s: %w", in.PreviousImage, err)
		}
	}
	checked := map[string]bool{}
	for _, reference := range append([]string{in.Image}, in.Tags...) {
		if reference == "" {
			continue
		}
		ref, keychain, err := j.credentials(reference, trust.Push)
		if err != nil {
			return err
		}
		if checked[ref.Context().Name()] {
			continue
		}
		checked[ref.Context().Name()] = true
		if err := registry.CheckPushPermission(ref, keychain, http.DefaultTransport); err != nil {
			return fmt.Errorf("validating registry write access: failed to ensure registry read/write access to %s: %w", reference, about(reference, trust.Push, err))
		}
	}
	return nil
}

// checkRead asks again for an image that the registry has refused to the caller, and
// fails.
func (j *job) checkRead(ctx context.Context, reference string) error {
	ref, options, err := j.at(ctx, reference, trust.Pull)
	if err != nil {
		return err
	}
	if _, err := registry.Head(ref, options...); err != nil {
		return about(reference, trust.Pull, err)
	}
	return errors.New("the registry refused it earlier")
}

// at is an image in a registry, and how the phase speaks with that.
func (j *job) at(ctx context.Context, reference string, access func(name.Repository) trust.Access) (name.Reference, []registry.Option, error) {
	ref, keychain, err := j.credentials(reference, access)
	return ref, []registry.Option{
		registry.WithContext(ctx), registry.WithAuthFromKeychain(keychain),
		// The transport repeats what has a status. What has to begin anew is for
		// those who write.
		registry.WithTransport(http.DefaultTransport), registry.WithRetryStatusCodes(),
	}, err
}

// checkLayers fails unless all layers of an image are there.
func (j *job) checkLayers(ctx context.Context, reference string, img v1.Image) error {
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	checked := map[v1.Hash]bool{}
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(atOnce)
	for _, layer := range layers {
		digest, err := layer.Digest()
		if err != nil {
			return err
		}
		if checked[digest] {
			continue
		}
		checked[digest] = true
		all.Go(func() error {
			blob, err := j.blob(ctx, reference, digest)
			if err != nil {
				return err
			}
			if there, err := partial.Exists(blob); err != nil || !there {
				return errors.Join(err, fmt.Errorf("layer %s is lost", digest))
			}
			return nil
		})
	}
	return all.Wait()
}

// atOnce is how many requests about one image are made at the same time.
const atOnce = 4

// blob is a layer of an image in a registry. Nothing is asked of that yet.
func (j *job) blob(ctx context.Context, reference string, digest v1.Hash) (v1.Layer, error) {
	ref, options, err := j.at(ctx, reference, trust.Pull)
	if err != nil {
		return nil, err
	}
	return registry.Layer(ref.Context().Digest(digest.String()), options...)
}

// readerAt reads layers of an image in a registry.
func (j *job) readerAt(ctx context.Context, reference string) layerReader {
	return func(layer v1.Descriptor, _ v1.Hash) (io.ReadCloser, error) {
		blob, err := j.blob(ctx, reference, layer.Digest)
		if err != nil {
			return nil, err
		}
		content, err := blob.Compressed()
		return content, about(reference, trust.Pull, err)
	}
}

// reader reads layers of the previous image.
func (j *job) reader(ctx context.Context, known *KnownImages) layerReader {
	if known.Registry && known.Previous != nil {
		return j.readerAt(ctx, known.Previous.Reference)
	}
	return func(_ v1.Descriptor, diffID v1.Hash) (io.ReadCloser, error) {
		return j.previousLayer(ctx, diffID.String())
	}
}
