package platform

import (
	"fmt"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/trust"
)

// userNamed reports whether the user's login may be used to read a run image: the
// user has named it, by --run-image or in config.toml, or trusts the builder that
// names it. Otherwise a builder could have any image published that the user can
// read.
func (p *Platform) userNamed(r *resolved, image string) bool {
	if r.RunImage != "" || r.verdict.Builder {
		return true
	}
	if p.Config == nil {
		return false
	}
	for _, run := range p.Config.RunImages {
		if slices.ContainsFunc(append(slices.Clone(run.Mirrors), run.Image), func(known string) bool { return sameName(known, image) }) {
			return true
		}
	}
	return false
}

// labelledRunImage is the run image that the label of the app image names, as pack
// has it: the one that the user has named. It is "" where the builder's own
// names, or image extensions, say what the app image can be rebased to.
func (b *build) labelledRunImage() string {
	if b.extensions != nil && b.extensions.switched {
		return ""
	}
	return b.RunImage
}

// pullRun is the access of a phase to the run image.
func (r *resolved) pullRun(repository name.Repository) trust.Access {
	if r.runAnonymous {
		return trust.PullAnonymously(repository)
	}
	return trust.Pull(repository)
}

// notNamed says why a run image could not be read that was read anonymously.
func (r *resolved) notNamed(image string, err error) error {
	if !r.runAnonymous {
		return err
	}
	return withoutLogin(err, "run image", "only an untrusted builder names it",
		fmt.Sprintf("name it (--run-image %s), or trust the builder (--trust-builder, or `pack-cache config trusted-builders add`)", image))
}
