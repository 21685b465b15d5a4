// Package builder is the command `pack-cache builder`.
package builder

import (
	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/builder/inspect"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
)

// NewCmdBuilder returns the command.
func NewCmdBuilder(g *global.Flags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "builder",
		Short:   "Look at builders",
		Long:    "Look at builders.",
		Example: "  pack-cache builder inspect registry.example.com/acme/builder",
		Args:    exit.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(inspect.NewCmdInspect(g, nil))
	return cmd
}
