package phases

import (
	"bytes"
	"context"

	"github.com/buildpacks/imgutil"
	"github.com/buildpacks/imgutil/remote"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	registry "github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"

	"github.com/pack-cache/pack-cache/trust"
)

// publishedImage is the app image to be on its way to a registry. imgutil would
// take one credential for all of its names, the run image and the previous image, and
// look for layers that are known to be there.
type publishedImage struct {
	*remote.Image
	job *job
	ctx context.Context // of the export
	// known are the images that it is made of; without a previous image if that is
	// not used.
	known KnownImages
	// from says where the layers of those images are.
	from map[v1.Hash]name.Reference
}

var _ imgutil.Image = (*publishedImage)(nil)

// newPublishedImage is the image core on its way to the registry. Nothing is asked of
// that yet.
func (j *job) newPublishedImage(ctx context.Context, reference string, core *imgutil.CNBImageCore, known KnownImages) (*publishedImage, error) {
	named, err := remote.NewImage(reference, authn.NewMultiKeychain())
	if err != nil {
		return nil, err
	}
	named.CNBImageCore = core
	i := &publishedImage{Image: named, job: j, ctx: ctx, known: known, from: map[v1.Hash]name.Reference{}}
	if err := i.note(known.Run); err != nil {
		return nil, err
	}
	if known.Previous != nil {
		err = i.note(*known.Previous)
	}
	return i, err
}

// note notes where the layers of an image are.
func (i *publishedImage) note(source KnownImage) error {
	ref, err := name.ParseReference(source.Reference, name.WeakValidation)
	if err != nil {
		return err
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(source.Manifest))
	if err != nil {
		return err
	}
	for _, layer := range manifest.Layers {
		i.from[layer.Digest] = ref
	}
	return nil
}

// Save implements imgutil.Image.
func (i *publishedImage) Save(additional ...string) error { return i.SaveAs(i.Name(), additional...) }

// SaveAs implements imgutil.Image.
func (i *publishedImage) SaveAs(first string, additional ...string) error {
	if err := i.SetCreatedAtAndHistory(); err != nil {
		return err
	}
	if len(additional) == 0 && i.stays(first) {
		return nil
	}
	var failed []imgutil.SaveDiagnostic
	for _, reference := range append([]string{first}, additional...) {
		if err := i.write(reference); err != nil {
			failed = append(failed, imgutil.SaveDiagnostic{ImageName: reference, Cause: err})
		}
	}
	if len(failed) > 0 {
		return imgutil.SaveError{Errors: failed}
	}
	return nil
}

// stays reports whether the image is what was there before, and the caller sees that
// it still is.
func (i *publishedImage) stays(reference string) bool {
	if i.known.Previous == nil || i.known.Previous.Name != reference {
		return false
	}
	digest, err := i.Digest()
	before, _, hashErr := v1.SHA256(bytes.NewReader(i.known.Previous.Manifest))
	if err != nil || hashErr != nil || digest != before {
		return false
	}
	_, err = i.job.link.ask(i.ctx, question{Published: digest.String()})
	return err == nil
}

// write publishes the image under one of its names.
func (i *publishedImage) write(reference string) error {
	ref, options, err := i.job.at(i.ctx, reference, trust.Push)
	if err != nil {
		return err
	}
	return about(reference, trust.Push, i.push(ref, options))
}

// push writes what the registry lacks, and then the manifest.
func (i *publishedImage) push(ref name.Reference, options []registry.Option) error {
	pusher, err := registry.NewPusher(options...)
	if err != nil {
		return err
	}
	layers, err := i.Layers()
	if err != nil {
		return err
	}
	config, err := partial.ConfigLayer(i.CNBImageCore)
	if err != nil {
		return err
	}
	all, ctx := errgroup.WithContext(i.ctx)
	all.SetLimit(atOnce)
	for _, layer := range append(layers, config) {
		digest, err := layer.Digest()
		if err != nil {
			return err
		}
		if from := i.from[digest]; from != nil {
			if i.known.Previous != nil && from.Context().Name() == ref.Context().Name() {
				continue // analyze has seen it there
			}
			layer = &registry.MountableLayer{Layer: layer, Reference: from}
		}
		all.Go(func() error { return pusher.Upload(ctx, ref.Context(), layer) })
	}
	if err := all.Wait(); err != nil {
		return err
	}
	if i.known.Looked != ref.Name() {
		there, err := registry.Head(ref, options...)
		if digest, digestErr := i.Digest(); err == nil && digestErr == nil && digest == there.Digest {
			return nil // a tag may be for ever
		}
	}
	return pusher.Put(i.ctx, ref, i.CNBImageCore)
}
