package exit

import (
	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/internal/attrs"
	"github.com/pack-cache/pack-cache/internal/hint"
)

// NoArgs refuses arguments as a mistake in usage. For a command with commands
// below it, an argument is one that does not exist.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	help := "see `" + cmd.CommandPath() + " --help`"
	if !cmd.HasAvailableSubCommands() {
		return hint.Usagef(help, "`%s` takes no arguments, but %q was given", cmd.CommandPath(), args[0])
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return hint.Usagef(attrs.DidYouMean(args[0], names)+help, "`%s` has no command %q", cmd.CommandPath(), args[0])
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
