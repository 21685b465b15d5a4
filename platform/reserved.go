package platform

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/trust"
)

// refuseBuilders fails if the app image would get the name of an image that
// builds are made with.
func (p *Platform) refuseBuilders(r *resolved) error {
	if p.Config == nil {
		return nil
	}
	for _, name := range r.names {
		if image := p.Config.LifecycleImage; image != "" {
			if ref, err := r.parse("lifecycle image", image); err == nil && (purpose{"", image, ref}).tag() == name.tag() {
				return reserved(name, "the lifecycle image of "+p.Config.Path())
			}
		}
		if verdict := trust.Judge(name.ref, v1.Hash{}, trust.JudgeInput{Listed: p.Config.Trusted()}); verdict.Trusted {
			return reserved(name, "a trusted builder")
		}
	}
	return nil
}

func reserved(name purpose, what string) error {
	return hint.Usagef("choose another name for the "+name.what, "%s %s is %s, which the build would overwrite", name.what, name.written, what)
}
