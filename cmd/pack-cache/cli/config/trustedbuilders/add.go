package trustedbuilders

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/iostreams"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/platform/config"
	"github.com/pack-cache/pack-cache/trust"
)

// referenceHint says what a builder is named like.
const referenceHint = "a builder is named like registry.example.com/acme/builder, with :tag or @digest to trust nothing else of it"

// AddOptions are the arguments of the command that adds.
type AddOptions struct {
	Streams *iostreams.Streams
	Builder string
}

// NewCmdAdd returns the command. run is what it runs, nil for the real thing.
func NewCmdAdd(streams *iostreams.Streams, run func(context.Context, AddOptions) error) *cobra.Command {
	return &cobra.Command{
		Use:     "add BUILDER",
		Short:   "Trust a builder",
		Long:    "Trust a builder: it may run in one place with the phases that hold credentials.",
		Example: "  pack-cache config trusted-builders add registry.example.com/acme/builder",
		Args:    exit.OneArg("builder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts := AddOptions{Streams: streams, Builder: args[0]}
			if run != nil {
				return run(cmd.Context(), opts)
			}
			return runAdd(cmd.Context(), opts)
		},
	}
}

func runAdd(ctx context.Context, opts AddOptions) error {
	what, err := trust.Describe(opts.Builder)
	if err != nil {
		return hint.Usagef(referenceHint, "%w", err)
	}
	file, err := config.LoadUser()
	if err != nil {
		return err
	}
	entry, ok, err := file.Trusted().Find(opts.Builder)
	if err != nil {
		return err
	}
	if ok {
		fmt.Fprintf(opts.Streams.Err, "Builder %s is already trusted: %s\n", opts.Builder, because(file, entry))
		return nil
	}
	if err := file.Add(opts.Builder); err != nil {
		return err
	}
	if err := file.Save(ctx); err != nil {
		return err
	}
	fmt.Fprintf(opts.Streams.Err, "Builder %s is now trusted: %s\n", opts.Builder, what)
	return nil
}

// because says why a builder is trusted.
func because(file *config.File, entry trust.Listing) string {
	if entry.Known {
		return entry.Entry + " is a known builder"
	}
	return fmt.Sprintf("%s is listed in %s", entry.Entry, file.Path())
}
