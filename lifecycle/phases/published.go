package phases

import (
	"context"
	"net/http"

	"github.com/buildpacks/imgutil"
	"github.com/buildpacks/imgutil/remote"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	registry "github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/trust"
)

// publishedImage is the app image to be on its way to a registry. imgutil would
// take one credential for all of its names, the run image and the previous image.
type publishedImage struct {
	*remote.Image
	job *job
	ctx context.Context // of the export
}

var _ imgutil.Image = (*publishedImage)(nil)

// newPublishedImage makes an image of what core says. Nothing is asked of the
// registry yet.
func (j *job) newPublishedImage(ctx context.Context, reference string, core imgutil.ImageOptions) (*publishedImage, error) {
	made, err := imgutil.NewCNBImage(core)
	if err != nil {
		return nil, err
	}
	named, err := remote.NewImage(reference, authn.NewMultiKeychain())
	if err != nil {
		return nil, err
	}
	named.CNBImageCore = made
	return &publishedImage{Image: named, job: j, ctx: ctx}, nil
}

// Save implements imgutil.Image.
func (i *publishedImage) Save(additional ...string) error { return i.SaveAs(i.Name(), additional...) }

// SaveAs implements imgutil.Image.
func (i *publishedImage) SaveAs(first string, additional ...string) error {
	if err := i.SetCreatedAtAndHistory(); err != nil {
		return err
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

// write publishes the image under one of its names.
func (i *publishedImage) write(reference string) error {
	keychain, err := i.job.credentials(reference, trust.Push)
	if err != nil {
		return err
	}
	ref, err := name.ParseReference(reference, name.WeakValidation)
	if err != nil {
		return err
	}
	// The transport repeats what has a status. What has to begin anew is for Write.
	return about(reference, trust.Push, registry.Write(ref, i.CNBImageCore, registry.WithContext(i.ctx), registry.WithAuthFromKeychain(keychain),
		registry.WithTransport(http.DefaultTransport), registry.WithRetryStatusCodes()))
}
