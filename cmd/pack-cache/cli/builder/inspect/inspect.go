// Package inspect is the command `pack-cache builder inspect`.
package inspect

import (
	"context"
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/platform"
)

// Options are the flags and arguments of the command.
type Options struct {
	*global.Flags
	platform.InspectOptions
	output string
}

// NewCmdInspect returns the command. run is what it runs, nil for the real
// thing.
func NewCmdInspect(g *global.Flags, run func(context.Context, *Options) error) *cobra.Command {
	opts := &Options{Flags: g}
	cmd := &cobra.Command{
		Use:   "inspect [BUILDER]",
		Short: "Show what is in a builder, and whether it is trusted",
		Long: `Show what a builder says about itself: its run images, lifecycle, buildpacks and
the order in which they are tried, and whether it is trusted and why. The builder
is looked up in its registry; no daemon is asked. Without an argument it is the
default builder.`,
		Example: `  pack-cache builder inspect registry.example.com/acme/builder
  pack-cache builder inspect registry.example.com/acme/builder --output json | jq .remote_info.lifecycle`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return exit.OneArg("builder")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				opts.Builder = args[0]
			}
			if opts.output == "human-readable" { // pack's name
				opts.output = "text"
			}
			if opts.output != "text" && opts.output != "json" {
				return hint.Usagef("choose text or json", "--output %q is not known", opts.output)
			}
			if run != nil {
				return run(cmd.Context(), opts)
			}
			return runInspect(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.IntVarP(&opts.Depth, "depth", "d", -1, "how deep to show the order inside of composite buildpacks (default: all of it)")
	f.StringVarP(&opts.output, "output", "o", "text", "form of the result: text or json")
	f.StringVar(&opts.InspectOptions.Platform, "platform", "", "platform of the builder, as linux/ARCHITECTURE[/VARIANT] (default: this machine's)")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	f.StringArrayVar(&opts.Insecure, "insecure-registry", nil, "registry host to reach without verified TLS (repeatable)")
	return cmd
}

func runInspect(ctx context.Context, opts *Options) error {
	p, err := opts.Flags.Platform()
	if err != nil {
		return err
	}
	info, err := p.InspectBuilder(ctx, opts.InspectOptions)
	if err != nil {
		return err
	}
	return show(opts.Streams.Out, info, opts.output)
}

func show(w io.Writer, info *platform.BuilderInfo, form string) error {
	if form == "json" {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(info)
	}
	_, err := io.WriteString(w, text(info))
	return err
}
