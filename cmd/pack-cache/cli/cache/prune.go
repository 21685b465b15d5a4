package cache

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
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

// PruneOptions are the flags and arguments of the command.
type PruneOptions struct {
	common
	Place  string
	Keep   int
	Older  string
	Young  string
	DryRun bool
	// Builders prunes unpacked builders instead of caches.
	Builders bool
}

// NewCmdPrune returns the command. run is what it runs, nil for the real thing.
func NewCmdPrune(g *global.Flags, run func(context.Context, *PruneOptions) error) *cobra.Command {
	opts := &PruneOptions{common: common{Flags: g}}
	cmd := &cobra.Command{
		Use:   "prune CACHE | --builders",
		Short: "Delete old caches, and what no cache needs",
		Long: `Delete caches of a place by --keep and --older-than, and remove what no name
leads to. Without the two, no cache is deleted.

A cache is as old as the last change of something in it: a build that changes
nothing writes nothing. Only caches are deleted, never another image. With a tag
or a name in CACHE, it is that one alone. Registries make room when they collect
their garbage.

With --builders, it removes instead the unpacked builders that this machine keeps
for the next build and that no build has used for the time of --older-than.

` + placeHelp,
		Example: `  pack-cache cache prune registry.example.com/team/app-cache --keep 10 --older-than 30d --dry-run
  pack-cache cache prune type=local,src=.pack-cache
  pack-cache cache prune --builders --older-than 30d`,
		Args: func(cmd *cobra.Command, args []string) error {
			if opts.Builders {
				return exit.NoArgs(cmd, args)
			}
			return exit.OneArg("cache")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if !opts.Builders {
				opts.Place = args[0]
			}
			if run == nil {
				run = runPrune
			}
			return run(cmd.Context(), opts)
		},
	}
	opts.add(cmd)
	f := cmd.Flags()
	f.IntVar(&opts.Keep, "keep", -1, "delete all caches but this many of the youngest (default: keep all)")
	f.StringVar(&opts.Older, "older-than", "", "delete caches in which nothing has changed for this `duration`, such as 30d or 12h; with --keep, what both say")
	f.StringVar(&opts.Young, "unused-for", "1h", "of what no name leads to, remove what is older than this `duration`: a build that is running may need the rest")
	f.BoolVar(&opts.Builders, "builders", false, "remove unpacked builders of this machine, not caches")
	f.BoolVar(&opts.DryRun, "dry-run", false, "delete nothing, and say what would be")
	return cmd
}

// duration reads a duration in which days may be counted.
func duration(flag, written string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(written, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 100_000 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(written)
	if err != nil || d < 0 {
		return 0, hint.Usagef("write a number with a unit, such as 30d, 12h or 90m", "%s %q is not a duration", flag, written)
	}
	return d, nil
}

// request turns flags into what to prune, without the store.
func (o *PruneOptions) request() (layers.PruneRequest, error) {
	request := layers.PruneRequest{Sweep: true, DryRun: o.DryRun, Now: time.Now()}
	if o.Keep >= 0 {
		request.Keep = &o.Keep
	}
	if o.Keep < -1 {
		return request, hint.Usagef("give how many caches to keep, 0 for none", "--keep %d is negative", o.Keep)
	}
	var err error
	if o.Older != "" {
		if request.OlderThan, err = duration("--older-than", o.Older); err != nil {
			return request, err
		}
		if request.OlderThan == 0 {
			return request, hint.Usagef("write --keep 0 if that is meant", "--older-than 0 would delete every cache")
		}
	}
	request.Young, err = duration("--unused-for", o.Young)
	return request, err
}

func runPrune(ctx context.Context, opts *PruneOptions) error {
	if err := opts.check(); err != nil {
		return err
	}
	if opts.Builders {
		return opts.pruneBuilders(ctx)
	}
	request, err := opts.request()
	if err != nil {
		return err
	}
	from, err := opts.all(opts.Place)
	if err != nil {
		return err
	}
	from.Delete = !opts.DryRun
	if from.names != nil {
		request.Only = func(name string) bool { return slices.Contains(from.names, name) }
	}
	ctx, cancel := limit(ctx, from)
	defer cancel()
	opened, err := opts.open(ctx, from)
	if err != nil {
		return err
	}
	request.Store = opened[0].Store
	_, sweeps := request.Store.(layers.Sweeper)
	if !sweeps && request.Keep == nil && request.OlderThan == 0 {
		return hint.Usagef("give --keep or --older-than", "nothing says which caches to delete")
	}
	report, err := layers.Prune(ctx, request)
	if printErr := opts.print(report); printErr != nil {
		return printErr
	}
	return explain(ctx, from, cannot(from, err))
}

// pruned is the result as JSON.
type pruned struct {
	DryRun bool          `json:"dry_run"`
	Caches []prunedCache `json:"caches"`
	// Freed is the size of what only deleted caches had.
	Freed int64       `json:"freed_bytes"`
	Swept *sweptBlobs `json:"swept,omitempty"`
}

type prunedCache struct {
	Name    string     `json:"name"`
	Digest  string     `json:"digest"`
	Changed *time.Time `json:"changed,omitempty"`
	Size    int64      `json:"size_bytes"`
	Deleted bool       `json:"deleted"`
	Reason  string     `json:"reason"`
}

type sweptBlobs struct {
	Blobs int   `json:"blobs"`
	Size  int64 `json:"size_bytes"`
}

func (o *PruneOptions) print(report *layers.PruneReport) error {
	if o.output == "json" {
		shown := pruned{DryRun: o.DryRun, Caches: []prunedCache{}, Freed: report.Freed}
		for _, c := range report.Caches {
			shown.Caches = append(shown.Caches, prunedCache{c.Name, c.Digest.String(), moment(c.Changed), c.Bytes, c.Deleted, c.Reason})
		}
		if report.Swept != nil {
			shown.Swept = &sweptBlobs{report.Swept.Blobs, report.Swept.Bytes}
		}
		return o.json(shown)
	}
	return summarise(plain.Writer(o.Streams.Out), report, o.DryRun)
}

func summarise(out io.Writer, report *layers.PruneReport, dry bool) error {
	would := ""
	if dry {
		would = "would be "
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	deleted := 0
	for _, c := range report.Caches {
		verb := "kept"
		if c.Deleted {
			verb = would + "deleted"
			deleted++
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", c.Name, verb, units.Size(c.Bytes), c.Reason)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(report.Caches) > 0 {
		fmt.Fprintf(out, "%d of %d caches %sdeleted; %s were in nothing else\n", deleted, len(report.Caches), would, units.Size(report.Freed))
	}
	if report.Swept != nil {
		fmt.Fprintf(out, "%d blobs that no name leads to %sremoved, %s\n", report.Swept.Blobs, would, units.Size(report.Swept.Bytes))
	}
	return nil
}
