package platform

import (
	"context"
	"fmt"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/trust"
)

// InspectOptions say which builder to look at, and how.
type InspectOptions struct {
	// Builder is the builder, "" for the default builder of config.toml.
	Builder string
	// Platform and Insecure are those of Options.
	Platform string
	Insecure []string
	// Depth is how far to follow the order into composite buildpacks, to the end
	// if it is negative.
	Depth int
}

// BuilderInfo is what a builder says about itself, and what this machine makes
// of it. Its JSON is that of `pack builder inspect`, with more fields.
type BuilderInfo struct {
	Name    string `json:"builder_name"`
	Trusted bool   `json:"trusted"`
	// Reason says why it is trusted, or why not.
	Reason string `json:"trust_reason"`
	// Default says that it is the default builder of config.toml.
	Default bool                 `json:"default"`
	Remote  *builder.Description `json:"remote_info"`
	// Local is for pack's builders in a daemon: nil.
	Local *builder.Description `json:"local_info"`
}

// InspectBuilder reads a builder's config from its registry.
func (p *Platform) InspectBuilder(ctx context.Context, opts InspectOptions) (*BuilderInfo, error) {
	r := &resolved{Options: Options{Builder: opts.Builder, Insecure: opts.Insecure, Platform: opts.Platform}}
	if r.Builder == "" {
		r.Builder = p.Config.DefaultBuilder
	}
	if r.Builder == "" {
		return nil, hint.Usagef("name one, or set a default builder with `pack-cache config default-builder`", "no builder given")
	}
	var err error
	if r.platform, err = parsePlatform(opts.Platform); err != nil {
		return nil, err
	}
	if r.builderRef, err = r.parse("builder", r.Builder); err != nil {
		return nil, err
	}
	img, err := p.pull(ctx, r, need{what: "builder", ref: r.builderRef})
	if err != nil {
		return nil, err
	}
	b, err := builder.Inspect(img)
	if err != nil {
		return nil, p.builderError(ctx, r, err)
	}
	description, err := b.Describe(opts.Depth)
	if err != nil {
		return nil, fmt.Errorf("builder %s: %w", r.Builder, err)
	}
	description.RunImages = append(p.userMirrors(b.RunImages), description.RunImages...)
	verdict := trust.Judge(r.judged(), b.Digest, trust.JudgeInput{Listed: p.Config.Trusted()})
	return &BuilderInfo{
		Name: r.Builder, Trusted: verdict.Trusted, Reason: verdict.Reason,
		Default: r.Builder == p.Config.DefaultBuilder, Remote: description,
	}, nil
}

// userMirrors are the mirrors that config.toml names for some run images.
func (p *Platform) userMirrors(images []builder.RunImage) []builder.NamedImage {
	var mirrors []builder.NamedImage
	for _, run := range images {
		for _, mirror := range p.runImageMirrors(run.Image) {
			mirrors = append(mirrors, builder.NamedImage{Name: mirror, UserConfigured: true})
		}
	}
	return mirrors
}
