package cache

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/units"
	"github.com/pack-cache/pack-cache/internal/plain"
	"github.com/pack-cache/pack-cache/layers"
)

// InspectOptions are the flags and arguments of the command.
type InspectOptions struct {
	common
	Cache string
}

// NewCmdInspect returns the command. run is what it runs, nil for the real
// thing.
func NewCmdInspect(g *global.Flags, run func(context.Context, *InspectOptions) error) *cobra.Command {
	opts := &InspectOptions{common: common{Flags: g}}
	cmd := &cobra.Command{
		Use:   "inspect CACHE",
		Short: "Show what is in a cache",
		Long:  "Show what a cache was made for, when, and its layers. No layer is read.\n\n" + placeHelp,
		Example: `  pack-cache cache inspect registry.example.com/team/app-cache:main
  pack-cache cache inspect type=local,src=.pack-cache --output json
  pack-cache cache inspect type=named,name=team`,
		Args: exit.OneArg("cache"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Cache = args[0]
			if run == nil {
				run = runInspect
			}
			return run(cmd.Context(), opts)
		},
	}
	opts.add(cmd)
	return cmd
}

// inspected is a cache as JSON.
type inspected struct {
	Cache  string `json:"cache"`
	Digest string `json:"digest"`
	Target string `json:"target"`
	// Changed is when something in it changed last.
	Changed *time.Time       `json:"changed,omitempty"`
	Size    int64            `json:"size_bytes"`
	Layers  []inspectedLayer `json:"layers"`
}

type inspectedLayer struct {
	// Layer is BUILDPACK:NAME; empty for content that no metadata names.
	Layer   string `json:"layer"`
	Version string `json:"buildpack_version,omitempty"`
	Build   bool   `json:"build"`
	Launch  bool   `json:"launch"`
	Cache   bool   `json:"cache"`
	// Size is that of the blob, Uncompressed that of the archive; 0 if nobody
	// knows.
	Size         int64  `json:"size_bytes"`
	Uncompressed int64  `json:"uncompressed_bytes,omitempty"`
	Codec        string `json:"codec,omitempty"`
	DiffID       string `json:"diff_id"`
	Digest       string `json:"digest,omitempty"`
	// Damage says what is wrong with it.
	Damage string `json:"damage,omitempty"`
}

func describe(c layers.Content) inspectedLayer {
	l := inspectedLayer{
		Version: c.Version, Build: c.Build, Launch: c.Launch, Cache: c.Cache,
		Size: c.Stored(), Uncompressed: c.Size, Codec: string(c.Codec()), DiffID: c.DiffID,
		Digest: strings.Join(c.Digests(), ","),
	}
	if c.ID != (layers.LayerID{}) {
		l.Layer = c.ID.String()
	}
	return l
}

func runInspect(ctx context.Context, opts *InspectOptions) error {
	return opts.withSnapshot(ctx, opts.Cache, func(_ context.Context, snapshot *layers.Snapshot) error { return opts.show(snapshot) })
}

// show writes what is in a cache.
func (o *InspectOptions) show(snapshot *layers.Snapshot) error {
	shown := inspected{
		Cache: snapshot.String(), Digest: snapshot.Digest().String(), Target: snapshot.Target().String(), Size: snapshot.Size(),
		Changed: moment(snapshot.Created()), Layers: []inspectedLayer{},
	}
	for _, content := range snapshot.Contents() {
		shown.Layers = append(shown.Layers, describe(content))
	}
	if o.output == "json" {
		return o.json(shown)
	}
	out := plain.Writer(o.Streams.Out)
	fmt.Fprintf(out, "Cache:    %s\nDigest:   %s\nTarget:   %s\nChanged:  %s\nSize:     %s\n\n",
		shown.Cache, shown.Digest, shown.Target, when(snapshot.Created()), units.Size(shown.Size))
	return layerTable(out, shown.Layers)
}

func layerTable(out io.Writer, layers []inspectedLayer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "LAYER\tVERSION\tFOR\tSIZE\tUNPACKED\tCODEC\tDIFFID\tDIGEST")
	for _, l := range layers {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", orDash(l.Layer), orDash(l.Version), orDash(l.uses()),
			units.Size(l.Size), known(l.Uncompressed), orDash(l.Codec), short(l.DiffID), short(l.Digest))
	}
	return table.Flush()
}

// uses are the layer's flags.
func (l inspectedLayer) uses() string {
	var all []string
	for _, flag := range []struct {
		set  bool
		name string
	}{{l.Build, "build"}, {l.Launch, "launch"}, {l.Cache, "cache"}} {
		if flag.set {
			all = append(all, flag.name)
		}
	}
	return strings.Join(all, ",")
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// short is enough of a digest to recognise it.
func short(digest string) string {
	_, hex, _ := strings.Cut(digest, ":")
	return orDash(hex[:min(len(hex), 12)])
}

func known(size int64) string {
	if size == 0 {
		return "-"
	}
	return units.Size(size)
}

// moment is a time for JSON, nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func when(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
