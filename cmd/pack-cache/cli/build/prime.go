package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/platform"
)

// PrimeOptions are the flags and arguments of the command.
type PrimeOptions struct {
	*Options
	// Name is the cache to fill, "" for all that there are.
	Name    string
	Targets []string
}

// NewCmdPrime returns the command. run is what it runs, nil for the real thing.
func NewCmdPrime(g *global.Flags, run func(context.Context, *PrimeOptions) error) *cobra.Command {
	opts := &PrimeOptions{Options: &Options{Flags: g}}
	cmd := &cobra.Command{
		Use:   "prime [NAME]",
		Short: "Fill a cache without publishing an app image",
		Long: `Run a build for its cache alone: nothing is published, and no right to do so is
needed.

NAME is a cache of pack-cache.toml; "build --image-cache NAME" uses it. Without
NAME and without --export-cache or --cache-image, all caches of pack-cache.toml
are filled, one after the other. A cache is for one target: that of the builder,
which --target chooses where the builder has several.

` + kinds.Help(),
		Example: `  pack-cache prime team --builder paketobuildpacks/builder-jammy-base
  pack-cache prime --builder B --target linux/amd64 --target linux/arm64
  pack-cache prime --builder B --cache-image registry.example.com/team/app-cache`,
		Args: exit.Args(0, 1, "cache", "leave the name out to fill all"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				opts.Name = args[0]
			}
			if err := opts.complete(cmd.Context(), cmd.Flags()); err != nil {
				return err
			}
			if run == nil {
				run = runPrime
			}
			return run(cmd.Context(), opts)
		},
	}
	opts.addFlags(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&opts.Targets, "target", nil, "fill the cache for this `platform`, as linux/ARCHITECTURE[/VARIANT] (repeatable; default: this machine's)")
	f.StringVar(&opts.Image, "image", "", "app `image` whose cache it is, which some caches are named after; it is not touched")
	addRefused(f)
	for _, flag := range imageFlags {
		if known := f.Lookup(flag); known != nil {
			known.Hidden = true
		}
	}
	return cmd
}

// imageFlags are flags of build that are about the app image, or that prime has
// others for.
var imageFlags = []string{
	"publish", "push", "load", "tag", "default-process", "creation-time", "previous-image", "uid", "gid", "sbom-output-dir", "report-output-dir",
	"image-cache", "update-image-cache", "cache-required", "platform",
}

// complete turns flags into options and refuses what makes no sense.
func (o *PrimeOptions) complete(ctx context.Context, given *pflag.FlagSet) error {
	for _, flag := range imageFlags {
		if given.Lookup(flag) != nil && given.Changed(flag) {
			return hint.Usagef("leave it out", "--%s is not for prime, which makes no app image", flag)
		}
	}
	if o.output.Placed() {
		return hint.Usagef("write --output text or json", "--output says where an app image goes, and prime makes none")
	}
	// Nothing is published, but caches are kept in registries as if it were.
	o.publish = true
	if err := o.Options.complete(ctx, given); err != nil {
		return err
	}
	o.Output = platform.Output{To: platform.ToNowhere}
	return nil
}

// primed is a cache that was filled, as JSON.
type primed struct {
	// Name is that of pack-cache.toml, if it has one there.
	Name   string `json:"name,omitempty"`
	Target string `json:"target,omitempty"`
	*platform.Result
}

func runPrime(ctx context.Context, opts *PrimeOptions) error {
	p, err := opts.Flags.Platform()
	if err != nil {
		return err
	}
	opts.warn(p)
	names, err := opts.names()
	if err != nil {
		return err
	}
	targets := opts.Targets
	if len(targets) == 0 {
		targets = []string{""}
	}
	done := []primed{}
	var errs []error
	for _, name := range names {
		for _, target := range targets {
			result, err := opts.prime(ctx, p, name, target)
			if result != nil {
				done = append(done, primed{name, target, result})
			}
			errs = append(errs, err)
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	if err := opts.print(done); err != nil {
		return err
	}
	return errors.Join(errs...)
}

// names are the named caches to fill; "" is none.
func (o *PrimeOptions) names() ([]string, error) {
	if o.Name != "" || len(o.Exports) > 0 {
		return []string{o.Name}, nil
	}
	names, err := o.named.Names(o.AppDir)
	if err == nil && len(names) == 0 {
		return nil, hint.Usagef("name one with --export-cache or --cache-image, or write a pack-cache.toml", "there is no cache to fill")
	}
	return names, err
}

// prime fills one cache for one target.
func (o *PrimeOptions) prime(ctx context.Context, p *platform.Platform, name, target string) (*platform.Result, error) {
	options := o.Options.Options
	options.Platform = target
	if name != "" {
		var err error
		if options.ImageCache, err = o.named.Find(name, o.AppDir, o.Image); err != nil {
			return nil, err
		}
	}
	result, err := p.Build(ctx, options)
	if err != nil && name != "" {
		err = fmt.Errorf("prime %s: %w", name, err)
	}
	if result != nil && !o.Quiet {
		summarise(o.Streams.Err, result)
	}
	return result, err
}

// print writes the caches by digest, or everything as JSON.
func (o *PrimeOptions) print(done []primed) error {
	if o.output.JSON {
		encoder := json.NewEncoder(o.Streams.Out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(done)
	}
	for _, one := range done {
		for _, saved := range one.Saved {
			if saved.Failed != "" {
				continue
			}
			if _, err := fmt.Fprintf(o.Streams.Out, "%s@%s\n", saved.To, saved.Digest); err != nil {
				return err
			}
		}
	}
	return nil
}
