// Package phase is the hidden command `pack-cache phase`. Own phases run as it, each
// in its own process.
package phase

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// NewCmdPhase returns the command.
func NewCmdPhase(g *global.Flags) *cobra.Command {
	return &cobra.Command{
		Use:    "phase NAME",
		Short:  "Run one phase; started by pack-cache itself",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			// The process that started the phase has been told what went wrong.
			os.Exit(phases.Serve(cmd.Context(), lifecycle.Name(args[0])))
			return nil
		},
	}
}
