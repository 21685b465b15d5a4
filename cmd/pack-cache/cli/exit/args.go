package exit

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/internal/hint"
)

// NoArgs refuses arguments as a mistake in usage. For a command with commands
// below it, an argument is one that does not exist.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("`%s` takes no arguments, but %q was given", cmd.CommandPath(), args[0])
	if cmd.HasAvailableSubCommands() {
		err = fmt.Errorf("`%s` has no command %q", cmd.CommandPath(), args[0])
	}
	return hint.Usagef("see `"+cmd.CommandPath()+" --help`", "%w", err)
}

// OneArg refuses anything but one argument, which is called what, as a mistake
// in usage.
func OneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return hint.Usagef("see `"+cmd.CommandPath()+" --help`", "`%s` takes one %s, but %d were given", cmd.CommandPath(), what, len(args))
	}
}
