// Package cache is the command `pack-cache cache`, which works on caches outside a
// build. No code of a builder takes part, so this process does everything. A
// registry sees a credential for the repositories in question only.
package cache

import (
	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
)

// NewCmdCache returns the command.
func NewCmdCache(g *global.Flags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "Look at caches, copy, check and prune them",
		Long: `Look at caches, copy them from one place to another, check and prune them.

` + placeHelp,
		Example: "  pack-cache cache inspect registry.example.com/team/app-cache",
		Args:    exit.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(NewCmdInspect(g, nil), NewCmdList(g, nil), NewCmdCopy(g, nil), NewCmdVerify(g, nil), NewCmdPrune(g, nil))
	return cmd
}

const placeHelp = `CACHE is an image, attributes as --import-cache of build takes them
(type=local,src=.cache), or type=named,name=NAME[,target=TARGET] for a cache of
pack-cache.toml. "pack-cache build --help" lists all attributes.`
