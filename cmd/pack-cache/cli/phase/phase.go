// Package phase is the hidden command that the phases of pack-cache itself run
// as, in a place of their own.
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
			// What went wrong has been told to whoever started the phase.
			os.Exit(phases.Serve(cmd.Context(), lifecycle.Name(args[0]), g.Caches))
			return nil
		},
	}
}
