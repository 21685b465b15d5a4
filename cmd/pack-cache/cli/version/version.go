// Package version is the command `pack-cache version`.
package version

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
)

// NewCmdVersion returns the command.
func NewCmdVersion(g *global.Flags) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of pack-cache",
		Long:    "Print the version of pack-cache.",
		Example: "  pack-cache version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(g.Streams.Out, g.Version)
			return err
		},
	}
}
