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

// RemoveOptions are the arguments of the command that removes.
type RemoveOptions struct {
	Streams *iostreams.Streams
	Builder string
}

// NewCmdRemove returns the command. run is what it runs, nil for the real
// thing.
func NewCmdRemove(streams *iostreams.Streams, run func(context.Context, RemoveOptions) error) *cobra.Command {
	return &cobra.Command{
		Use:               "remove BUILDER",
		Short:             "Stop trusting a builder",
		Long:              "Stop trusting a builder that was added. Known builders are always trusted.",
		Example:           "  pack-cache config trusted-builders remove registry.example.com/acme/builder",
		Args:              exit.OneArg("builder"),
		ValidArgsFunction: completeListed,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts := RemoveOptions{Streams: streams, Builder: args[0]}
			if run != nil {
				return run(cmd.Context(), opts)
			}
			return runRemove(cmd.Context(), opts)
		},
	}
}

func runRemove(ctx context.Context, opts RemoveOptions) error {
	if _, err := trust.Describe(opts.Builder); err != nil {
		return hint.Usagef(referenceHint, "%w", err)
	}
	file, err := config.LoadUser()
	if err != nil {
		return err
	}
	removed, err := file.Remove(opts.Builder)
	if err != nil {
		return err
	}
	entry, trusted, err := file.Trusted().Find(opts.Builder)
	if err != nil {
		return err
	}
	if !removed {
		return notRemoved(file, opts.Builder, entry, trusted)
	}
	if err := file.Save(ctx); err != nil {
		return err
	}
	if trusted {
		fmt.Fprintf(opts.Streams.Err, "Builder %s is no longer listed, but still trusted: %s\n", opts.Builder, because(file, entry))
		return nil
	}
	fmt.Fprintf(opts.Streams.Err, "Builder %s is no longer trusted\n", opts.Builder)
	return nil
}

// notRemoved says why there was nothing to remove. It is an error, because
// whoever takes trust away and misspells the builder must not believe that it
// is gone.
func notRemoved(file *config.File, builder string, entry trust.Listing, trusted bool) error {
	switch {
	case trusted && entry.Known:
		return hint.Errorf("a copy in a registry of your own is untrusted until you add it",
			"builder %s is a known builder (%s), and those cannot be made untrusted", builder, entry.Entry)
	case trusted:
		return hint.Errorf("remove that: pack-cache config trusted-builders remove "+entry.Entry,
			"builder %s is not listed itself, but trusted because %s", builder, because(file, entry))
	}
	return hint.Errorf("`pack-cache config trusted-builders list` shows what is",
		"builder %s wasn't trusted: it is not listed in %s", builder, file.Path())
}

// completeListed offers the builders of the configuration to the shell.
func completeListed(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	file, err := config.LoadUser()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return file.Trusted().Builders, cobra.ShellCompDirectiveNoFileComp
}
