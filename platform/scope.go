package platform

import (
	"slices"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/lifecycle/phases"
	"github.com/pack-cache/pack-cache/trust"
)

// analyzeScope: read the run image and the previous image, and find out whether
// the app image can be written.
func (b *build) analyzeScope() trust.Scope {
	s := scope(trust.Pull, b.runImage, b.previous)
	return append(s, scope(trust.Push, append([]string{b.app}, b.Tags...)...)...)
}

// restoreScope: read the caches. A build can do without each of them.
func (b *build) restoreScope() trust.Scope {
	return optional(scope(trust.Pull, registryRefs(b.imports)...))
}

// exportScope: what analyze may, and read the imports and write the exports.
func (b *build) exportScope() trust.Scope {
	return slices.Concat(b.analyzeScope(), b.restoreScope(), optional(scope(trust.Push, registryRefs(b.exports)...)))
}

func scope(access func(name.Repository) trust.Access, references ...string) trust.Scope {
	var s trust.Scope
	for _, reference := range references {
		// resolve has refused what cannot be parsed.
		if ref, err := name.ParseReference(reference, name.WeakValidation); err == nil {
			s = append(s, access(ref.Context()))
		}
	}
	return s
}

func optional(s trust.Scope) trust.Scope {
	for i := range s {
		s[i] = s[i].OrDoWithout()
	}
	return s
}

func registryRefs(locations []phases.Location) []string {
	var refs []string
	for _, at := range locations {
		if ref := at.Attrs["ref"]; at.Type == "registry" && ref != "" {
			refs = append(refs, ref)
		}
	}
	return refs
}
