package cache

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/units"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
)

// CopyOptions are the flags and arguments of the command.
type CopyOptions struct {
	common
	From, To string
	// Overwrite replaces what is at To even if it is no cache.
	Overwrite bool
}

// NewCmdCopy returns the command. run is what it runs, nil for the real thing.
func NewCmdCopy(g *global.Flags, run func(context.Context, *CopyOptions) error) *cobra.Command {
	opts := &CopyOptions{common: common{Flags: g}}
	cmd := &cobra.Command{
		Use:   "copy FROM TO",
		Short: "Copy a cache from one place to another",
		Long: `Copy a cache from one place to another, of any two kinds.

The copy is the same cache, with the same digest: blobs are streamed and checked
on the way, not compressed anew, and what is there already is not sent. TO gets
its name when all of it is there. FROM is written as for --import-cache, TO as
for --export-cache.

` + placeHelp,
		Example: `  pack-cache cache copy registry.example.com/team/cache:main registry.example.com/team/cache:release
  pack-cache cache copy registry.example.com/team/cache:main type=local,dest=.pack-cache`,
		Args: exit.Args(2, 2, "cache", ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.From, opts.To = args[0], args[1]
			if run == nil {
				run = runCopy
			}
			return run(cmd.Context(), opts)
		},
	}
	opts.add(cmd)
	cmd.Flags().BoolVar(&opts.Overwrite, "overwrite", false, "replace what is at TO even if it is not a cache")
	return cmd
}

// copied is the result as JSON.
type copied struct {
	From    string  `json:"from"`
	To      string  `json:"to"`
	Digest  string  `json:"digest"`
	Changed bool    `json:"changed"`
	Blobs   int     `json:"blobs"`
	Size    int64   `json:"size_bytes"`
	Sent    int64   `json:"sent_bytes"`
	Seconds float64 `json:"seconds"`
}

func runCopy(ctx context.Context, opts *CopyOptions) error {
	if err := opts.check(); err != nil {
		return err
	}
	from, err := opts.from(opts.From)
	if err != nil {
		return err
	}
	to, err := opts.to(opts.To)
	if err != nil {
		return err
	}
	ctx, cancel := limit(ctx, from, to)
	defer cancel()
	opened, err := opts.open(ctx, from, to)
	if err != nil {
		return err
	}
	snapshot, err := loadWith(ctx, from, opened[0], layers.Load)
	if err != nil {
		return explain(ctx, from, err)
	}
	name := opened[1].Name
	if to.anyTarget {
		name = snapshot.Name() // a target's name is the same everywhere
		if !from.anyTarget {
			return hint.Usagef("add target=, as in target="+snapshot.Name(), "TO names no target")
		}
	}
	report, err := layers.Copy(ctx, layers.CopyRequest{From: snapshot, To: opened[1].Store, Name: name, Overwrite: opts.Overwrite})
	if errors.Is(err, layers.ErrForeign) {
		return hint.Usagef("choose another name, or replace what is there with --overwrite", "%v", err)
	}
	if err != nil {
		return explain(ctx, to, err)
	}
	done := copied{
		From: snapshot.String(), To: layers.At(opened[1].String(), name), Digest: report.Digest.String(), Changed: report.Changed,
		Blobs: report.Blobs, Size: report.Bytes, Sent: report.Sent, Seconds: report.Duration.Seconds(),
	}
	if opts.output == "json" {
		return opts.json(done)
	}
	if !opts.Quiet {
		fmt.Fprintf(opts.Streams.Err, "Copied %s to %s: %d blobs, %s, of which %s had to be sent, in %.1f s\n",
			done.From, done.To, done.Blobs, units.Size(done.Size), units.Size(done.Sent), done.Seconds)
	}
	_, err = fmt.Fprintf(opts.Streams.Out, "%s@%s\n", opened[1], done.Digest)
	return err
}
