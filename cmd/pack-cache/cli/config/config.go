// Package config is the command `pack-cache config`, which shows and changes
// the configuration that pack-cache shares with pack.
package config

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/config/registrymirrors"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/config/runimagemirrors"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/config/setting"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/config/trustedbuilders"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/iostreams"
)

// NewCmdConfig returns the command. isBuilder fails for what is not a builder
// that can be read.
func NewCmdConfig(streams *iostreams.Streams, isBuilder func(context.Context, string) error) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show and change the configuration",
		Long: `Show and change the configuration, which pack-cache shares with pack:
config.toml in $PACK_HOME, or in ~/.pack. What else is in it, and its comments,
stay as they are.`,
		Example: "  pack-cache config trusted-builders add registry.example.com/acme/builder",
		Args:    exit.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, s := range settings(isBuilder) {
		cmd.AddCommand(setting.NewCmd(streams, s))
	}
	cmd.AddCommand(
		registrymirrors.NewCmdRegistryMirrors(streams),
		runimagemirrors.NewCmdRunImageMirrors(streams),
		trustedbuilders.NewCmdTrustedBuilders(streams),
	)
	return cmd
}
