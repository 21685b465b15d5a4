package trustedbuilders

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/iostreams"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/platform/config"
	"github.com/pack-cache/pack-cache/trust"
)

// ListOptions are the flags of the command that lists.
type ListOptions struct {
	Streams *iostreams.Streams
	// Output is text or json.
	Output string
}

// NewCmdList returns the command. run is what it runs, nil for the real thing.
func NewCmdList(streams *iostreams.Streams, run func(ListOptions) error) *cobra.Command {
	opts := ListOptions{Streams: streams}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List trusted builders",
		Long:    "List the builders that are trusted: those that were added, and the known ones.",
		Example: "  pack-cache config trusted-builders list --output json",
		Args:    exit.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if run != nil {
				return run(opts)
			}
			return runList(opts)
		},
	}
	opts.addFlags(cmd)
	return cmd
}

func (o *ListOptions) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.Output, "output", "text", "form of the list: text or json")
}

// listing is the list as JSON.
type listing struct {
	Config          string   `json:"config"`
	TrustedBuilders []listed `json:"trustedBuilders"`
}

type listed struct {
	Name string `json:"name"`
	// Known says that the builder is trusted without being in the file.
	Known bool `json:"known"`
}

func runList(opts ListOptions) error {
	if opts.Output != "text" && opts.Output != "json" {
		return hint.Usagef("choose text or json", "--output %q is not known", opts.Output)
	}
	file, err := config.LoadUser()
	if err != nil {
		return err
	}
	builders := allTrusted(file)
	if opts.Output == "json" {
		encoder := json.NewEncoder(opts.Streams.Out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(listing{Config: file.Path(), TrustedBuilders: builders})
	}
	text := "Trusted Builders:\n"
	for _, builder := range builders {
		text += "  " + builder.Name + "\n"
	}
	_, err = fmt.Fprint(opts.Streams.Out, text)
	return err
}

// allTrusted returns every trusted builder once, sorted by name.
func allTrusted(file *config.File) []listed {
	var all []listed
	for _, name := range trust.KnownBuilders() {
		all = append(all, listed{Name: name, Known: true})
	}
	for _, name := range file.Trusted().Builders {
		all = append(all, listed{Name: name})
	}
	slices.SortStableFunc(all, func(a, b listed) int { return cmp.Compare(a.Name, b.Name) })
	return slices.CompactFunc(all, func(a, b listed) bool { return a.Name == b.Name })
}
