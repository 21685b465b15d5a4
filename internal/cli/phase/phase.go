// Package phase is the hidden command that the phases of pack-cache itself run
// as, in a place of their own.
package phase

import (
	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/internal/cli/global"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// Exit carries the exit code of a phase, whose message has been delivered.
type Exit struct{ Code int }

// Error implements error.
func (e *Exit) Error() string { return "" }

// NewCmdPhase returns the command.
func NewCmdPhase(g *global.Flags) *cobra.Command {
	return &cobra.Command{
		Use:    "phase NAME",
		Short:  "Run one phase; started by pack-cache itself",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if code := phases.Serve(cmd.Context(), lifecycle.Name(args[0]), g.Stores); code != 0 {
				return &Exit{code}
			}
			return nil
		},
	}
}
