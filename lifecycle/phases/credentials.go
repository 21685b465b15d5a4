package phases

import (
	"fmt"

	"github.com/buildpacks/imgutil/remote"
	"github.com/buildpacks/lifecycle/image"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/trust"
)

// credentials returns the keychain for one image, which has a credential for
// nothing else. An image that the phase's grant is not for is refused. The
// lifecycle's libraries ask a keychain about registries only, so each of them
// gets one for the image that it is about to use.
func (j *job) credentials(reference string, access func(name.Repository) trust.Access) (authn.Keychain, error) {
	ref, err := name.ParseReference(reference, name.WeakValidation)
	if err != nil {
		return nil, err
	}
	wanted := access(ref.Context())
	if j.Grant == nil || !j.Grant.Scope().Includes(trust.Scope{wanted}) {
		return nil, fmt.Errorf("%s: %w", reference, &trust.OutsideError{Resource: wanted.Repository})
	}
	return trust.At(j.keychain, ref.Context()), nil
}

// read opens an image of a registry.
func (j *job) read(reference string) (v1.Image, error) {
	keychain, err := j.credentials(reference, trust.Pull)
	if err != nil {
		return nil, err
	}
	img, err := remote.NewV1Image(reference, keychain)
	return img, about(reference, trust.Pull, err)
}

// registryHandler checks the access to images, each with its own credential.
type registryHandler struct{ job *job }

var _ image.RegistryHandler = registryHandler{}

// EnsureReadAccess implements image.RegistryHandler.
func (h registryHandler) EnsureReadAccess(images ...string) error {
	return h.each(images, trust.Pull, (*image.DefaultRegistryHandler).EnsureReadAccess)
}

// EnsureWriteAccess implements image.RegistryHandler.
func (h registryHandler) EnsureWriteAccess(images ...string) error {
	return h.each(images, trust.Push, (*image.DefaultRegistryHandler).EnsureWriteAccess)
}

func (h registryHandler) each(images []string, access func(name.Repository) trust.Access, check func(*image.DefaultRegistryHandler, ...string) error) error {
	for _, reference := range images {
		if reference == "" {
			continue
		}
		keychain, err := h.job.credentials(reference, access)
		if err != nil {
			return err
		}
		if err := check(image.NewRegistryHandler(keychain, nil), reference); err != nil {
			return about(reference, access, err)
		}
	}
	return nil
}
