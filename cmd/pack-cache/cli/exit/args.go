package exit

import (
	"cmp"
	"fmt"

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
func OneArg(what string) cobra.PositionalArgs { return Args(1, 1, what, "") }

// Args refuses fewer arguments than least and more than most, which are called what,
// as a mistake in usage. way is the way out, "" for the help of the command.
func Args(least, most int, what, way string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if least <= len(args) && len(args) <= most {
			return nil
		}
		return hint.Usagef(cmp.Or(way, "see `"+cmd.CommandPath()+" --help`"), "`%s` takes %s, but %s",
			cmd.CommandPath(), takes(least, most, what), given(len(args)))
	}
}

// takes says how many arguments there can be. No command takes more than two.
func takes(least, most int, what string) string {
	text := [...]string{"no", "one", "two"}[most] + " " + what
	if most > 1 {
		text += "s"
	}
	if least < most {
		text = "at most " + text
	}
	return text
}

func given(count int) string {
	switch count {
	case 0:
		return "none was given"
	case 1:
		return "one was given"
	}
	return fmt.Sprintf("%d were given", count)
}
