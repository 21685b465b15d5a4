// Package config is the command `pack-cache config`, which shows and changes
// the configuration that pack-cache shares with pack.
package config

import (
	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/internal/cli/config/trustedbuilders"
	"github.com/pack-cache/pack-cache/internal/cli/exit"
	"github.com/pack-cache/pack-cache/internal/cli/iostreams"
)

// NewCmdConfig returns the command.
func NewCmdConfig(streams *iostreams.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show and change the configuration",
		Long: `Show and change the configuration, which pack-cache shares with pack:
config.toml in $PACK_HOME, or in ~/.pack.`,
		Args: exit.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(trustedbuilders.NewCmdTrustedBuilders(streams))
	return cmd
}
