// Package registrymirrors is the command `pack-cache config registry-mirrors`.
package registrymirrors

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/iostreams"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/platform"
	"github.com/pack-cache/pack-cache/platform/config"
)

// NewCmdRegistryMirrors returns the command. On its own it lists, as in pack.
func NewCmdRegistryMirrors(streams *iostreams.Streams) *cobra.Command {
	list := func(*cobra.Command, []string) error { return runList(streams) }
	cmd := &cobra.Command{
		Use:     "registry-mirrors",
		Aliases: []string{"registry-mirror"},
		Short:   "List, add and remove mirrors of registries",
		Long: `List, add and remove mirrors of registries.

Builders, run images and buildpackages that are named as in a registry are read
from its mirror instead. App images, previous images and caches are not. What is
asked of the mirror carries the credential for the mirror's host, never the one
for the registry. A builder is judged by the name that the user wrote: whoever
adds a mirror trusts it with what the registry has.

A mirror is a host, or a host and a path before the repository. The registry *
stands for all, and goes before others.`,
		Example: "  pack-cache config registry-mirrors add index.docker.io --mirror mirror.example.com/docker",
		Args:    exit.NoArgs,
		RunE:    list,
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the mirrors of registries", Long: "List the mirrors of registries.",
			Example: "  pack-cache config registry-mirrors list", Args: exit.NoArgs, RunE: list,
		},
		newCmdAdd(streams), newCmdRemove(streams))
	return cmd
}

func newCmdAdd(streams *iostreams.Streams) *cobra.Command {
	var mirror string
	cmd := &cobra.Command{
		Use:   "add REGISTRY --mirror MIRROR",
		Short: "Read what is in a registry from a mirror",
		Long:  "Read what is in a registry from a mirror, in place of the one it may have.",
		Example: `  pack-cache config registry-mirrors add index.docker.io --mirror mirror.example.com
  pack-cache config registry-mirrors add '*' --mirror mirror.example.com/all`,
		Args: exit.OneArg("registry"),
		RunE: func(cmd *cobra.Command, args []string) error { return runAdd(cmd.Context(), streams, args[0], mirror) },
	}
	cmd.Flags().StringVarP(&mirror, "mirror", "m", "", "host of the mirror, or host and path")
	return cmd
}

func newCmdRemove(streams *iostreams.Streams) *cobra.Command {
	return &cobra.Command{
		Use:     "remove REGISTRY",
		Short:   "Read what is in a registry from there again",
		Long:    "Read what is in a registry from there again.",
		Example: "  pack-cache config registry-mirrors remove index.docker.io",
		Args:    exit.OneArg("registry"),
		RunE:    func(cmd *cobra.Command, args []string) error { return runRemove(cmd.Context(), streams, args[0]) },
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			file, err := config.LoadUser()
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return slices.Sorted(maps.Keys(file.RegistryMirrors)), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

func runList(streams *iostreams.Streams) error {
	file, err := config.LoadUser()
	if err != nil {
		return err
	}
	if len(file.RegistryMirrors) == 0 {
		fmt.Fprintln(streams.Err, "No registry has a mirror")
		return nil
	}
	text := "Registry Mirrors:\n"
	for _, registry := range slices.Sorted(maps.Keys(file.RegistryMirrors)) {
		text += fmt.Sprintf("  %s: %s\n", registry, file.RegistryMirrors[registry])
	}
	_, err = fmt.Fprint(streams.Out, text)
	return err
}

func runAdd(ctx context.Context, streams *iostreams.Streams, registry, mirror string) error {
	if mirror == "" {
		return hint.Usagef("name it with --mirror HOST, or --mirror HOST/PATH", "no mirror given")
	}
	for _, host := range []string{registry, mirror} {
		if host == "*" && host == registry {
			continue
		}
		if strings.Contains(host, "://") || host == registry && strings.Contains(host, "/") {
			return hint.Usagef("write it as HOST, or HOST:PORT", "%q is not a host", host)
		}
		if err := platform.CheckReference("image in "+host, host+"/repository"); err != nil {
			return err
		}
	}
	file, err := config.LoadUser()
	if err != nil {
		return err
	}
	file.SetRegistryMirror(registry, mirror)
	if err := file.Save(ctx); err != nil {
		return err
	}
	fmt.Fprintf(streams.Err, "Registry %s now has the mirror %s\n", registry, mirror)
	return nil
}

func runRemove(ctx context.Context, streams *iostreams.Streams, registry string) error {
	file, err := config.LoadUser()
	if err != nil {
		return err
	}
	if _, ok := file.RegistryMirrors[registry]; !ok {
		fmt.Fprintf(streams.Err, "Registry %s had no mirror\n", registry)
		return nil
	}
	file.SetRegistryMirror(registry, "")
	if err := file.Save(ctx); err != nil {
		return err
	}
	fmt.Fprintf(streams.Err, "Registry %s has no mirror any more\n", registry)
	return nil
}
