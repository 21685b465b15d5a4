package phases

import (
	"context"
	"errors"

	"github.com/buildpacks/imgutil"
	lifecycleplatform "github.com/buildpacks/lifecycle/platform"
	"github.com/buildpacks/lifecycle/platform/files"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// withoutSBOMs makes the lifecycle's analyzer leave the SBOMs of the previous image
// alone. It would unpack an archive that others made with the root directory as its
// place, into what buildpacks can write.
func withoutSBOMs(inputs lifecycleplatform.LifecycleInputs) lifecycleplatform.LifecycleInputs {
	inputs.SkipLayers = true
	return inputs
}

// usePrevious decides what the build takes from the previous image: nothing if its
// SBOMs cannot be read, without which its layers cannot be used again. With
// clearCache these are not asked for: what is made anew may be what the previous
// image has, but no buildpack is told of its layers.
func (j *job) usePrevious(ctx context.Context, image imgutil.Image, analyzed *files.Analyzed, clearCache bool) error {
	md := &analyzed.LayersMetadata
	var dropped []string
	if md.Buildpacks, dropped = usable(md.Buildpacks); len(dropped) > 0 {
		j.log.Warnf("The previous image names layers that cannot be reused: %s", few(dropped))
	}
	if !clearCache && j.api.AtLeast("0.8") && image != nil && image.Found() && md.BOM != nil && md.BOM.SHA != "" {
		err := j.keepPreviousSBOM(ctx, image, md.BOM.SHA)
		if errors.Is(err, errSBOMs) || errors.Is(err, bounds.ErrExceeded) {
			j.log.Warnf("Nothing of the previous image is reused: %v", err)
			analyzed.LayersMetadata, analyzed.PreviousImage = files.LayersMetadata{}, nil
			return nil
		}
		return err
	}
	return nil
}
