package cache

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/units"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/plain"
	"github.com/pack-cache/pack-cache/layers"
)

// VerifyOptions are the flags and arguments of the command.
type VerifyOptions struct {
	common
	Cache string
}

// NewCmdVerify returns the command. run is what it runs, nil for the real thing.
func NewCmdVerify(g *global.Flags, run func(context.Context, *VerifyOptions) error) *cobra.Command {
	opts := &VerifyOptions{common: common{Flags: g}}
	cmd := &cobra.Command{
		Use:   "verify CACHE",
		Short: "Read a cache whole, and say what is damaged",
		Long: `Read every blob of a cache, hold it against its digest and what is in it
against its diffID, and say which layers are damaged or lost. The exit code is 1
if any is. A build finds that out, too, and does without those layers.

` + placeHelp,
		Example: "  pack-cache cache verify registry.example.com/team/app-cache:main",
		Args:    exit.OneArg("cache"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Cache = args[0]
			if run == nil {
				run = runVerify
			}
			return run(cmd.Context(), opts)
		},
	}
	opts.add(cmd)
	return cmd
}

// verified is the result as JSON.
type verified struct {
	Cache   string           `json:"cache"`
	Digest  string           `json:"digest"`
	Damaged int              `json:"damaged"`
	Layers  []inspectedLayer `json:"layers"`
}

func runVerify(ctx context.Context, opts *VerifyOptions) error {
	return opts.withSnapshot(ctx, opts.Cache, opts.verify)
}

// verify reads a cache and says what is damaged.
func (o *VerifyOptions) verify(ctx context.Context, snapshot *layers.Snapshot) error {
	result := verified{Cache: snapshot.String(), Digest: snapshot.Digest().String(), Layers: []inspectedLayer{}}
	_, err := snapshot.Check(ctx, func(checked layers.Checked) {
		layer := describe(checked.Content)
		if checked.Err != nil {
			layer.Damage = checked.Err.Error()
			result.Damaged++
		}
		result.Layers = append(result.Layers, layer)
		if o.output == "text" {
			fmt.Fprintln(plain.Writer(o.Streams.Out), verdict(layer))
		}
	})
	if err != nil {
		return err
	}
	if o.output == "json" {
		if err := o.json(result); err != nil {
			return err
		}
	}
	if result.Damaged > 0 {
		return hint.Errorf("the next build that saves to it stores the damaged layers anew",
			"cache %s is damaged: %d of %d layers", snapshot, result.Damaged, len(result.Layers))
	}
	return nil
}

// verdict is a line about a layer.
func verdict(l inspectedLayer) string {
	name := l.Layer
	if name == "" {
		name = "content " + short(l.DiffID) + " that belongs to no layer"
	}
	if l.Damage != "" {
		return "DAMAGED  " + name + ": " + l.Damage
	}
	return fmt.Sprintf("ok       %s (%s, unpacked %s)", name, units.Size(l.Size), units.Size(l.Uncompressed))
}
