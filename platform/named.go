package platform

import (
	"fmt"
	"slices"

	"github.com/buildpacks/lifecycle/api"
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
	"github.com/pack-cache/pack-cache/platform/named"
	"github.com/pack-cache/pack-cache/trust"
)

// addNamed adds the named cache to the imports and, for one who fills it, to the
// exports. It needs the builder's target.
func (p *Platform) addNamed(r *resolved) error {
	c := r.ImageCache
	if c == nil {
		return nil
	}
	target := named.Target(r.target())
	at, err := c.At(target)
	if err != nil {
		return err
	}
	image := at.Facts().Image
	for _, other := range r.exports {
		if r.fillsNamed() && image != nil && !other.Inline && other.String() == at.String() {
			return savedTwice(at.String())
		}
	}
	r.named = len(r.imports) + 1
	r.imports = append(r.imports, kinds.Import{Location: at})
	p.Progress.Info(fmt.Sprintf("Named cache %s, from %s: %s:%s", c.Name, c.File, c.Where(), target))
	if c.DotEnv != "" {
		if _, below := pathBelow(r.AppDir, c.DotEnv); below {
			p.Progress.Info(fmt.Sprintf("%s is left out of the source, because the named cache takes values from it", c.DotEnv))
		}
	}
	if !r.fillsNamed() {
		return nil
	}
	if image != nil {
		into := []purpose{{"cache image", image.Name(), image}}
		if err := refuseSame(slices.Concat(r.outputs, []purpose{{"builder", r.Builder, r.builderRef}}), into); err != nil {
			return err
		}
		r.outputs = append(r.outputs, into...)
	}
	r.exports = append(r.exports, kinds.Export{Location: at})
	return nil
}

// fillsNamed reports whether the named cache is saved to. A build only uses it,
// so that it needs no right to write there, unless it is told otherwise.
func (r *resolved) fillsNamed() bool { return r.Output.To == ToNowhere || r.UpdateImageCache }

// keychain has the user's credentials, and the login of the named cache for that
// cache alone.
func (p *Platform) keychain(r *resolved) authn.Keychain {
	if c := r.ImageCache; c != nil && c.Login != nil {
		return trust.WithLogin(p.Keychain, *c.Login)
	}
	return p.Keychain
}

// unprimed returns an error if the named cache is not there. One that cannot be
// read is not a failure: a cache never breaks a build.
func (b *build) unprimed(imports []phases.ImportOutcome) error {
	if b.named == 0 || b.named > len(imports) || b.fillsNamed() || !imports[b.named-1].Missing {
		return nil
	}
	at := imports[b.named-1]
	return hint.Errorf(fmt.Sprintf("fill it for this builder with `pack-cache prime %s --builder %s`", b.ImageCache.Name, b.Builder),
		"the named cache %s is not filled: %s: %s", b.ImageCache.Name, at.From, at.Reason)
}

// reportPrimed says what a build cannot take from a cache that was saved without
// an app image (CNB Platform API 0.14, "restorer").
func (b *build) reportPrimed() {
	if api, err := api.NewVersion(b.api); err == nil && api.LessThan("0.14") {
		b.Progress.Warn(fmt.Sprintf("the builder speaks Platform API %s: until there is an app image, builds with it restore only layers that are not for launch; from 0.14 on they restore all", b.api))
	}
}
