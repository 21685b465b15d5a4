package config

import (
	"context"
	"slices"
	"strings"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/config/setting"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/platform"
	"github.com/pack-cache/pack-cache/platform/config"
)

// settings are the commands that have one value each. isBuilder finds out
// whether something is a builder.
func settings(isBuilder func(context.Context, string) error) []setting.Setting {
	pullPolicies := platform.PullPolicies()
	return []setting.Setting{
		{
			Use: "default-builder [BUILDER]", Noun: "default builder",
			Short:   "Show, set or unset the builder of builds that name none",
			Long:    "Show, set or unset the builder of builds that name none. A builder that project.toml names goes before it.\n\nWhat is set has to be a builder that can be read.",
			Example: "  pack-cache config default-builder registry.example.com/acme/builder\n  pack-cache config default-builder --unset",
			Get:     func(c *config.File) string { return c.DefaultBuilder },
			Set:     (*config.File).SetDefaultBuilder,
			Check:   isBuilder,
		},
		{
			Use: "pull-policy [always|if-not-present|never]", Noun: "pull policy",
			Short:   "Show, set or unset the pull policy of builds",
			Long:    "Show, set or unset the pull policy of builds that do not choose one with --pull-policy.",
			Example: "  pack-cache config pull-policy if-not-present\n  pack-cache config pull-policy --unset",
			Default: pullPolicies[0],
			Get:     func(c *config.File) string { return c.PullPolicy },
			Set:     (*config.File).SetPullPolicy,
			Check: func(_ context.Context, policy string) error {
				if slices.Contains(pullPolicies, policy) {
					return nil
				}
				return hint.Usagef("choose one of "+strings.Join(pullPolicies, ", "), "pull policy %q is not known", policy)
			},
			Complete: pullPolicies,
		},
		{
			Use: "lifecycle-image [IMAGE]", Noun: "lifecycle image",
			Short: "Show, set or unset the lifecycle image of pack",
			Long: `Show, set or unset the image that pack runs phases of untrusted builders in.

pack-cache keeps this setting for pack and does not use it: the phases that would
run in that image are its own.`,
			Example: "  pack-cache config lifecycle-image registry.example.com/acme/lifecycle:0.21.0\n  pack-cache config lifecycle-image --unset",
			Get:     func(c *config.File) string { return c.LifecycleImage },
			Set:     (*config.File).SetLifecycleImage,
			Check: func(_ context.Context, image string) error {
				return platform.CheckReference("lifecycle image", image)
			},
		},
	}
}
