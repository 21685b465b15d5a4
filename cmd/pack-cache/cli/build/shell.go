package build

import (
	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/platform"
)

// addCompletions offers the values of flags to the shell.
func (o *Options) addCompletions(cmd *cobra.Command) {
	for flag, values := range map[string][]string{
		"engine":      engineNames(o.Flags.Engines),
		"network":     {"host", "none"},
		"output":      {"text", "json"},
		"pull-policy": platform.PullPolicies(),
		"exec-env":    {"production", "test", "development"},
	} {
		// It fails only for a flag that is not there.
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	for _, flag := range []string{"workspace", "builder", "run-image", "previous-image", "tag"} {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions)
	}
}
