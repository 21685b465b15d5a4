package phases

import (
	"fmt"
	"io"

	"github.com/buildpacks/imgutil"
	"github.com/buildpacks/lifecycle/phase"
	lifecycleplatform "github.com/buildpacks/lifecycle/platform"
	"github.com/buildpacks/lifecycle/platform/files"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// analyzeBounded is analyzer.Analyze, with bounds for what the previous image says.
// One that is over a bound is treated as if there were none, which costs time and
// never the build.
func (j *job) analyzeBounded(analyzer *phase.Analyzer) (files.Analyzed, error) {
	if analyzer.PreviousImage == nil {
		return analyzer.Analyze()
	}
	previous := &previousImage{analyzer.PreviousImage}
	analyzer.PreviousImage = previous
	if err := previous.check(); err != nil {
		j.log.Warnf("Previous image %s is not used: %v", previous.Name(), err)
		analyzer.PreviousImage = nil
	}
	return analyzer.Analyze()
}

// previousImage is a previous image whose SBOM layer has a bound.
type previousImage struct{ imgutil.Image }

// check holds the metadata against the bounds. Lifecycle and exporter write them
// to files, and write them anew.
func (i *previousImage) check() error {
	if !i.Found() {
		return nil
	}
	label, err := i.Label(lifecycleplatform.LifecycleMetadataLabel)
	if err != nil {
		return nil // analyze finds out
	}
	if err := bounds.CheckJSON([]byte(label)); err != nil {
		return fmt.Errorf("its label %s: %w", lifecycleplatform.LifecycleMetadataLabel, err)
	}
	return nil
}

// GetLayer implements imgutil.Image. The lifecycle reads no other layer than that
// of the SBOM.
func (i *previousImage) GetLayer(diffID string) (io.ReadCloser, error) {
	layer, err := i.Image.GetLayer(diffID)
	if err != nil {
		return nil, err
	}
	return bounds.SBOM(layer), nil
}
