// Package runimagemirrors is the command `pack-cache config run-image-mirrors`.
package runimagemirrors

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/iostreams"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/platform"
	"github.com/pack-cache/pack-cache/platform/config"
)

// NewCmdRunImageMirrors returns the command. On its own it lists, as in pack.
func NewCmdRunImageMirrors(streams *iostreams.Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "run-image-mirrors",
		Aliases: []string{"run-image-mirror"},
		Short:   "List, add and remove mirrors of run images",
		Long: `List, add and remove mirrors of run images.

Of a builder's run image, the mirrors listed here, and the mirrors that the
builder names, in this order, a build takes the first that can be read in the
app image's registry, or else the first that can be read at all.`,
		Example: "  pack-cache config run-image-mirrors add acme/run --mirror registry.example.com/acme/run",
		Args:    exit.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return runList(streams, "") },
	}
	cmd.AddCommand(newCmdList(streams), newCmdAdd(streams), newCmdRemove(streams))
	return cmd
}

func newCmdList(streams *iostreams.Streams) *cobra.Command {
	return &cobra.Command{
		Use:     "list [RUN-IMAGE]",
		Short:   "List the mirrors of run images",
		Long:    "List the mirrors of a run image, or of all.",
		Example: "  pack-cache config run-image-mirrors list",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return exit.OneArg("run image")(cmd, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return runList(streams, strings.Join(args, ""))
		},
		ValidArgsFunction: completeListed,
	}
}

func newCmdAdd(streams *iostreams.Streams) *cobra.Command {
	var mirrors []string
	cmd := &cobra.Command{
		Use:     "add RUN-IMAGE --mirror MIRROR…",
		Short:   "Add mirrors of a run image",
		Long:    "Add mirrors of a run image. It is named as the builder names it.",
		Example: "  pack-cache config run-image-mirrors add acme/run --mirror registry.example.com/acme/run",
		Args:    exit.OneArg("run image"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runAdd(cmd.Context(), streams, args[0], mirrors)
		},
	}
	cmd.Flags().StringSliceVarP(&mirrors, "mirror", "m", nil, "mirror of the run image (repeatable, or with commas)")
	return cmd
}

func newCmdRemove(streams *iostreams.Streams) *cobra.Command {
	var mirrors []string
	cmd := &cobra.Command{
		Use:     "remove RUN-IMAGE [--mirror MIRROR…]",
		Short:   "Remove mirrors of a run image",
		Long:    "Remove some of the mirrors of a run image, or all if none are named.",
		Example: "  pack-cache config run-image-mirrors remove acme/run",
		Args:    exit.OneArg("run image"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRemove(cmd.Context(), streams, args[0], mirrors)
		},
		ValidArgsFunction: completeListed,
	}
	cmd.Flags().StringSliceVarP(&mirrors, "mirror", "m", nil, "mirror to remove (repeatable, or with commas; default: all)")
	return cmd
}

func runList(streams *iostreams.Streams, image string) error {
	file, err := config.LoadUser()
	if err != nil {
		return err
	}
	text := ""
	for _, run := range file.RunImages {
		if image == "" || run.Image == image {
			text += fmt.Sprintf("  %s:\n    %s\n", run.Image, strings.Join(run.Mirrors, "\n    "))
		}
	}
	if text == "" {
		fmt.Fprintln(streams.Err, strings.TrimSpace("No run image mirrors are set "+forImage(image)))
		return nil
	}
	_, err = fmt.Fprint(streams.Out, "Run Image Mirrors:\n"+text)
	return err
}

func forImage(image string) string {
	if image == "" {
		return ""
	}
	return "for " + image
}

func runAdd(ctx context.Context, streams *iostreams.Streams, image string, mirrors []string) error {
	if len(mirrors) == 0 {
		return hint.Usagef("name it with --mirror REFERENCE", "no mirror given")
	}
	if err := platform.CheckReference("run image", image); err != nil {
		return err
	}
	for _, mirror := range mirrors {
		if err := platform.CheckReference("mirror", mirror); err != nil {
			return err
		}
	}
	file, err := config.LoadUser()
	if err != nil {
		return err
	}
	file.AddRunImageMirrors(image, mirrors...)
	if err := file.Save(ctx); err != nil {
		return err
	}
	for _, mirror := range mirrors {
		fmt.Fprintf(streams.Err, "Run image %s now has the mirror %s\n", image, mirror)
	}
	return nil
}

func runRemove(ctx context.Context, streams *iostreams.Streams, image string, mirrors []string) error {
	file, err := config.LoadUser()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(file.RunImages, func(r config.RunImage) bool { return r.Image == image }) {
		fmt.Fprintf(streams.Err, "Run image %s had no mirrors\n", image)
		return nil
	}
	file.RemoveRunImageMirrors(image, mirrors...)
	if err := file.Save(ctx); err != nil {
		return err
	}
	what := "mirrors " + strings.Join(mirrors, ", ")
	if len(mirrors) == 0 {
		what = "all mirrors"
	}
	fmt.Fprintf(streams.Err, "Removed %s of run image %s\n", what, image)
	return nil
}

// completeListed offers the run images of the configuration to the shell.
func completeListed(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	file, err := config.LoadUser()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var images []string
	for _, run := range file.RunImages {
		images = append(images, run.Image)
	}
	return images, cobra.ShellCompDirectiveNoFileComp
}
