// Package root is the command `pack-cache` and the list of what is below it.
package root

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/build"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/builder"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/cache"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/config"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/phase"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/version"
	"github.com/pack-cache/pack-cache/internal/attrs"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/platform"
)

// NewCmdRoot returns the whole command line.
func NewCmdRoot(g *global.Flags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pack-cache",
		Short: "Cloud Native Buildpacks builds that are warm on a fresh machine",
		Long: `pack-cache builds app images with Cloud Native Buildpacks on machines that are
thrown away afterwards, and keeps the buildpacks' cache layers where the next
machine finds them.`,
		Example: `  pack-cache build registry.example.com/team/app --builder registry.example.com/team/builder \
      --cache-image registry.example.com/team/app-cache --publish`,
		Args:          exit.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Version:       version.Line(g.Version),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return hint.Usagef(nearestFlag(cmd, err)+"see `"+cmd.CommandPath()+" --help`", "%w", err)
	})
	cmd.SetVersionTemplate("{{.Version}}\n")
	cmd.SetOut(g.Streams.Out)
	cmd.SetErr(g.Streams.Err)
	g.Add(cmd)
	cmd.AddCommand(
		build.NewCmdBuild(g, nil),
		build.NewCmdPrime(g, nil),
		builder.NewCmdBuilder(g),
		cache.NewCmdCache(g),
		config.NewCmdConfig(g.Streams, isBuilder(g)),
		phase.NewCmdPhase(g),
		version.NewCmdVersion(g),
	)
	addCompletion(cmd)
	return cmd
}

// nearestFlag suggests, for the beginning of a hint, a flag for one that there is
// not. It is empty if err is about something else, or no flag is near.
func nearestFlag(cmd *cobra.Command, err error) string {
	missing, ok := errors.AsType[*pflag.NotExistError](err)
	if !ok || missing.GetSpecifiedShortnames() != "" {
		return ""
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	})
	return attrs.DidYouMean("--"+missing.GetSpecifiedName(), names)
}

// addCompletion adds what writes completions for shells, with examples.
func addCompletion(cmd *cobra.Command) {
	cmd.InitDefaultCompletionCmd()
	for shell, example := range map[string]string{
		"":           "  source <(pack-cache completion bash)",
		"bash":       "  source <(pack-cache completion bash)",
		"zsh":        "  source <(pack-cache completion zsh)",
		"fish":       "  pack-cache completion fish | source",
		"powershell": "  pack-cache completion powershell | Out-String | Invoke-Expression",
	} {
		if found, _, err := cmd.Find(strings.Fields("completion " + shell)); err == nil {
			found.Example = example
		}
	}
}

// isBuilder fails for what is not a builder that can be read.
func isBuilder(g *global.Flags) func(context.Context, string) error {
	return func(ctx context.Context, name string) error {
		p, err := g.Platform()
		if err != nil {
			return err
		}
		_, err = p.InspectBuilder(ctx, platform.InspectOptions{Builder: name})
		return err
	}
}
