// Package setting has the commands below `pack-cache config` that show, set and
// unset one value: default-builder, lifecycle-image and pull-policy.
package setting

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/iostreams"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/platform/config"
)

// Setting is one value of the configuration.
type Setting struct {
	// Use and the others are those of the command.
	Use, Short, Long, Example string
	// Noun is what the value is, such as "default builder".
	Noun string
	// Default is what holds where there is none; "" for nothing.
	Default string
	// Get reads the value and Set changes it, to "" for none.
	Get func(*config.File) string
	Set func(*config.File, string)
	// Check fails for what cannot be the value. It may ask a registry.
	Check func(ctx context.Context, value string) error
	// Complete are values to offer to the shell.
	Complete []string
}

// NewCmd returns the command of a setting.
func NewCmd(streams *iostreams.Streams, s Setting) *cobra.Command {
	var unset bool
	cmd := &cobra.Command{
		Use: s.Use, Short: s.Short, Long: s.Long, Example: s.Example,
		Args: exit.Args(0, 1, s.Noun, ""),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return s.Complete, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case unset && len(args) > 0:
				return hint.Usagef("leave out one of the two", "--unset takes no value")
			case unset:
				return s.unset(cmd.Context(), streams)
			case len(args) == 0:
				return s.show(streams)
			}
			return s.set(cmd.Context(), streams, args[0])
		},
	}
	cmd.Flags().BoolVarP(&unset, "unset", "u", false, "remove the "+s.Noun+" from the configuration")
	return cmd
}

func (s Setting) show(streams *iostreams.Streams) error {
	file, err := config.LoadUser()
	if err != nil {
		return err
	}
	if value := cmp.Or(s.Get(file), s.Default); value != "" {
		_, err = fmt.Fprintln(streams.Out, value)
		return err
	}
	fmt.Fprintf(streams.Err, "No %s is set\n", s.Noun)
	return nil
}

func (s Setting) set(ctx context.Context, streams *iostreams.Streams, value string) error {
	file, err := config.LoadUser()
	if err != nil {
		return err
	}
	if s.Get(file) == value {
		fmt.Fprintf(streams.Err, "The %s is already %s\n", s.Noun, value)
		return nil
	}
	if err := s.Check(ctx, value); err != nil {
		return err
	}
	s.Set(file, value)
	if err := file.Save(ctx); err != nil {
		return err
	}
	fmt.Fprintf(streams.Err, "The %s is now %s\n", s.Noun, value)
	return nil
}

func (s Setting) unset(ctx context.Context, streams *iostreams.Streams) error {
	file, err := config.LoadUser()
	if err != nil {
		return err
	}
	old := s.Get(file)
	if old == "" {
		fmt.Fprintf(streams.Err, "No %s was set\n", s.Noun)
		return nil
	}
	s.Set(file, "")
	if err := file.Save(ctx); err != nil {
		return err
	}
	fmt.Fprintf(streams.Err, "The %s is no longer %s\n", s.Noun, old)
	if s.Default != "" {
		fmt.Fprintf(streams.Err, "The %s is now %s, the default\n", s.Noun, s.Default)
	}
	return nil
}
