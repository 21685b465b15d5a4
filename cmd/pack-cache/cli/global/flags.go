// Package global holds what every command shares: the streams, the flags that
// stand before a command, and what main decides about the program.
package global

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/iostreams"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/reporter"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/platform"
	"github.com/pack-cache/pack-cache/platform/config"
	"github.com/pack-cache/pack-cache/trust/keychain"
)

// Flags is what every command shares.
type Flags struct {
	Streams *iostreams.Streams
	Version string
	// Engines are all there are, in the order of preference.
	Engines []lifecycle.Engine

	Verbose, Quiet, NoColor, Timestamps bool
}

// Add adds the flags to the root command.
func (f *Flags) Add(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.BoolVarP(&f.Verbose, "verbose", "v", false, "show more of what happens")
	flags.BoolVarP(&f.Quiet, "quiet", "q", false, "show nothing but warnings and the result")
	flags.BoolVar(&f.NoColor, "no-color", false, "do not use colors")
	flags.BoolVar(&f.Timestamps, "timestamps", false, "begin each line of the log with the time")
}

// Platform returns what runs builds.
func (f *Flags) Platform() (*platform.Platform, error) {
	file, err := config.LoadUser()
	if err != nil {
		return nil, err
	}
	text := reporter.New(f.Streams.Err, reporter.Options{
		Color:      f.Streams.Color() && !f.NoColor,
		Timestamps: f.Timestamps,
		Quiet:      f.Quiet,
		Verbose:    f.Verbose,
	})
	return &platform.Platform{
		Engines:  f.Engines,
		Config:   file,
		Keychain: keychain.New(keychain.Options{Say: text.Info}),
		Environ:  os.Environ(),
		Progress: text,
	}, nil
}
