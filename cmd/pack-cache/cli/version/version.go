// Package version is the command `pack-cache version`.
package version

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
)

// NewCmdVersion returns the command.
func NewCmdVersion(g *global.Flags) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of pack-cache",
		Long:    "Print the version of pack-cache, with the commit that it was made of and the commit's time.",
		Example: "  pack-cache version",
		Args:    exit.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(g.Streams.Out, Line(g.Version))
			return err
		},
	}
}

// Line is a version with what Go knows of the commit that this program was made of.
func Line(version string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	known := map[string]string{}
	for _, setting := range info.Settings {
		known[setting.Key] = setting.Value
	}
	revision, at := known["vcs.revision"], known["vcs.time"]
	if revision == "" {
		return version
	}
	if known["vcs.modified"] == "true" {
		revision += ", changed"
	}
	return fmt.Sprintf("%s (commit %s, %s)", version, revision, at)
}
