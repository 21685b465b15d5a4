package phases

import (
	"github.com/buildpacks/imgutil"
	"github.com/buildpacks/imgutil/remote"
	"github.com/buildpacks/lifecycle/image"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// platformHandler opens images for one platform. The lifecycle's own handler
// takes, of an index, the image for the machine that the phase runs on.
type platformHandler struct {
	image.Handler
	job      *job
	platform v1.Platform
}

// InitImage implements image.Handler.
func (h *platformHandler) InitImage(ref string) (imgutil.Image, error) {
	if ref == "" {
		return nil, nil
	}
	options := append([]imgutil.ImageOption{
		remote.FromBaseImage(ref),
		remote.WithDefaultPlatform(imgutil.Platform{
			OS: h.platform.OS, Architecture: h.platform.Architecture, Variant: h.platform.Variant,
		}),
	}, image.GetInsecureOptions(h.job.Insecure)...)
	return remote.NewImage(ref, h.job.keychain, options...)
}
