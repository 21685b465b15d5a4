package platform

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pack-cache/pack-cache/lifecycle/phases"
	"github.com/pack-cache/pack-cache/trust"
)

// reportRefusals warns of registries that would not have the user's credential.
// What could not be reached shows by itself.
func (b *build) reportRefusals(grant *trust.Grant) {
	for _, refusal := range grant.Refusals() {
		refused, ok := errors.AsType[*trust.CredentialError](refusal.Err)
		if !ok {
			continue
		}
		b.Progress.Warn(refused.Error())
		if refused.Remedy != "" {
			b.Progress.Hint(refused.Remedy)
		}
	}
}

// reportImports says at once what became of the caches, so that a build without
// one does not come as a surprise.
func (b *build) reportImports(imports []phases.ImportOutcome) {
	for _, at := range imports {
		what := "is not used"
		switch {
		case strings.HasSuffix(at.From, "@"+at.Digest):
			b.Progress.Info("Cache " + at.From)
			what = "is used in part"
		case at.Digest != "":
			b.Progress.Info(fmt.Sprintf("Cache %s@%s", at.From, at.Digest))
			what = "is used in part"
		case at.Missing:
			b.Progress.Info(fmt.Sprintf("Cache %s: %s", at.From, at.Reason))
			if at.Advice != "" {
				b.Progress.Info(at.Advice)
			}
		}
		if at.Missing || at.Reason == "" {
			continue
		}
		b.Progress.Warn(fmt.Sprintf("cache %s %s: %s", at.From, what, at.Reason))
		if at.Advice != "" {
			b.Progress.Hint(at.Advice)
		}
	}
}

// maxWarnings is how many layers are warned of one by one. The result lists all of
// them.
const maxWarnings = 20

// reportRestored warns of layers that were lost on the way: a build that fails
// because they are missing would not say why.
func (b *build) reportRestored(layers []phases.LayerRestored) {
	var noRoom bool
	failed := 0
	for _, layer := range layers {
		if layer.Failed {
			failed++
		}
		if layer.Failed && failed <= maxWarnings {
			b.Progress.Warn(fmt.Sprintf("cached layer %s is not restored: %s", layer.Layer, layer.Reason))
		}
		noRoom = noRoom || layer.NoRoom
	}
	if failed > maxWarnings {
		b.Progress.Warn(fmt.Sprintf("%d more cached layers are not restored", failed-maxWarnings))
	}
	if noRoom {
		b.Progress.Hint(roomHint(b.place))
	}
}

func (b *build) reportSaved(saved []phases.SaveOutcome) {
	for _, to := range saved {
		switch {
		case to.Failed != "":
			b.Progress.Warn(fmt.Sprintf("cache %s was not saved: %s", to.To, to.Failed))
			if to.Advice != "" {
				b.Progress.Hint(to.Advice)
			}
		case !to.Changed:
			b.Progress.Info(fmt.Sprintf("Cache %s is as it was", to.To))
		case to.Replaced != "":
			b.Progress.Info(fmt.Sprintf("Cache %s saved as %s, in place of one that was damaged: %s", to.To, to.Digest, to.Replaced))
		default:
			b.Progress.Info(fmt.Sprintf("Cache %s saved as %s", to.To, to.Digest))
		}
	}
}
