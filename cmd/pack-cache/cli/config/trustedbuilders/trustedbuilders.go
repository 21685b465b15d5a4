// Package trustedbuilders is the command `pack-cache config trusted-builders`.
package trustedbuilders

import (
	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/iostreams"
)

// NewCmdTrustedBuilders returns the command. On its own it lists, as in pack.
func NewCmdTrustedBuilders(streams *iostreams.Streams) *cobra.Command {
	list := ListOptions{Streams: streams}
	cmd := &cobra.Command{
		Use:     "trusted-builders",
		Aliases: []string{"trusted-builder", "trust-builder", "trust-builders"},
		Short:   "List, add and remove trusted builders",
		Long: `List, add and remove trusted builders.

A trusted builder may run in one place with the phases that hold credentials,
an untrusted one never does. A builder is trusted when registry, repository and,
if given, tag or digest are those of an entry here. An entry without tag and
digest trusts all of them, in that repository on that registry and nowhere else.

Known builders (those of Paketo, Heroku and Google) are trusted without being
added.`,
		Example: "  pack-cache config trusted-builders add registry.example.com/acme/builder",
		Args:    exit.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return runList(list) },
	}
	list.addFlags(cmd)
	cmd.AddCommand(NewCmdList(streams, nil), NewCmdAdd(streams, nil), NewCmdRemove(streams, nil))
	return cmd
}
