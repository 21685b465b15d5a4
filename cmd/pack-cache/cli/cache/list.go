package cache

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/units"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/plain"
	"github.com/pack-cache/pack-cache/layers"
)

// ListOptions are the flags and arguments of the command.
type ListOptions struct {
	common
	Place string
}

// NewCmdList returns the command. run is what it runs, nil for the real thing.
func NewCmdList(g *global.Flags, run func(context.Context, *ListOptions) error) *cobra.Command {
	opts := &ListOptions{common: common{Flags: g}}
	cmd := &cobra.Command{
		Use:   "list CACHE",
		Short: "List the caches that are kept in a place",
		Long: `List the caches that are kept in a place, the youngest first: the tags of a
repository or a directory, the names in a bucket. A name in CACHE does not
matter. What is there and is not a cache is left out.

` + placeHelp,
		Example: `  pack-cache cache list registry.example.com/team/app-cache
  pack-cache cache list type=local,src=.pack-cache`,
		Args: exit.OneArg("cache"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Place = args[0]
			if run == nil {
				run = runList
			}
			return run(cmd.Context(), opts)
		},
	}
	opts.add(cmd)
	return cmd
}

// listed is a cache in a list.
type listed struct {
	Name    string     `json:"name"`
	Digest  string     `json:"digest"`
	Target  string     `json:"target"`
	Changed *time.Time `json:"changed,omitempty"`
	Size    int64      `json:"size_bytes"`
	Layers  int        `json:"layers"`
}

func runList(ctx context.Context, opts *ListOptions) error {
	if err := opts.check(); err != nil {
		return err
	}
	from, err := opts.all(opts.Place)
	if err != nil {
		return err
	}
	ctx, cancel := limit(ctx, from)
	defer cancel()
	opened, err := opts.open(ctx, from)
	if err != nil {
		return err
	}
	all, err := layers.Caches(ctx, opened[0].Store)
	if err != nil {
		return explain(ctx, from, cannot(from, err))
	}
	shown := []listed{}
	for _, one := range all {
		s := one.Snapshot
		shown = append(shown, listed{one.Name, s.Digest().String(), s.Target().String(), moment(one.Changed), s.Size(), len(s.Contents())})
	}
	if opts.output == "json" {
		return opts.json(shown)
	}
	table := tabwriter.NewWriter(plain.Writer(opts.Streams.Out), 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tTARGET\tCHANGED\tSIZE\tLAYERS\tDIGEST")
	for i, one := range shown {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\n", one.Name, one.Target, when(all[i].Changed), units.Size(one.Size), one.Layers, short(one.Digest))
	}
	return table.Flush()
}

// cannot says which kind of cache has not the ability that a command needs.
func cannot(p place, err error) error {
	if lacking, ok := errors.AsType[*layers.CannotError](err); ok {
		return hint.Usagef("name the cache itself, as build does", "caches of type=%s cannot %s", p.At.Type(), lacking.What)
	}
	return err
}
