package platform

import (
	"slices"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/trust"
)

// analyzeScope: read the run image and the previous image, and find out whether
// the app image can be written; nothing if it is not published.
func (b *build) analyzeScope() trust.Scope {
	if b.outlet != nil {
		return nil
	}
	s := append(scope(b.pullRun, b.runImage), scope(trust.Pull, b.previous)...)
	return append(s, scope(trust.Push, append([]string{b.app}, b.Tags...)...)...)
}

// restoreScope: read the caches. A build can do without each of them.
func (b *build) restoreScope() trust.Scope { return importScope(b.imports) }

func importScope(imports []kinds.Import) trust.Scope {
	var s trust.Scope
	for _, at := range imports {
		s = append(s, cacheScope(trust.Pull, at.Location)...)
	}
	return optional(s)
}

// exportScope: what analyze may, and read the imports that could be read and
// write the exports.
func (b *build) exportScope() trust.Scope {
	var s trust.Scope
	for _, at := range b.exports {
		if !at.Inline { // which is in the scope of the app image
			s = append(s, cacheScope(trust.Push, at.Location)...)
		}
	}
	return slices.Concat(b.analyzeScope(), importScope(b.readable), optional(s))
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

// cacheScope is the access to a cache, if it is in a registry.
func cacheScope(access func(name.Repository) trust.Access, at kinds.Location) trust.Scope {
	if image := at.Facts().Image; image != nil {
		return trust.Scope{access(image.Context())}
	}
	return nil
}
