package build

import "github.com/spf13/cobra"

// addCompletions offers the values of flags to the shell.
func (o *Options) addCompletions(cmd *cobra.Command) {
	engines := []string{"auto"}
	for _, engine := range o.Flags.Engines {
		engines = append(engines, engine.Name())
	}
	for flag, values := range map[string][]string{
		"engine":      engines,
		"network":     {"host", "none"},
		"output":      {"text", "json"},
		"pull-policy": {"always", "if-not-present", "never"},
		"exec-env":    {"production", "test", "development"},
	} {
		// It fails only for a flag that is not there.
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	for _, flag := range []string{"workspace", "builder", "run-image", "previous-image", "tag"} {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions)
	}
}
