package build

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/platform"
)

// others are the flags of `docker buildx build` that mean something that has
// another name here.
type others struct {
	load, pull bool
	progress   string
}

// progresses are the values of --progress that can be had.
var progresses = []string{"auto", "plain", "quiet"}

// addOthers adds the flags, hidden. docs/pasted.md has them.
func (o *Options) addOthers(f *pflag.FlagSet) {
	f.BoolVar(&o.publish, "push", false, "the same as --publish")
	f.BoolVar(&o.ClearCache, "no-cache", false, "the same as --clear-cache")
	f.BoolVar(&o.others.load, "load", false, "leave the app image in a docker daemon, as without --publish")
	f.BoolVar(&o.others.pull, "pull", false, "the same as --pull-policy always")
	f.StringVar(&o.others.progress, "progress", "auto", "auto, plain or quiet")
	for _, name := range []string{"push", "no-cache", "load", "pull", "progress"} {
		f.Lookup(name).Hidden = true
	}
}

// completeOthers gives the flags their meaning. docker takes the source where
// pack takes the image.
func (o *Options) completeOthers() error {
	if o.Image == "." || strings.HasPrefix(o.Image, "./") {
		return hint.Usagef("write pack-cache build REGISTRY/app --path "+o.Image, "%s is a directory, not the image to build", o.Image)
	}
	if o.others.load && (o.publish || o.output.Placed()) {
		return hint.Usagef("leave one of them out; build again for the other place, which reuses all layers", "--load and --publish or --output name two places for the app image")
	}
	if o.others.pull {
		if o.PullPolicy != "" && o.PullPolicy != platform.PullAlways {
			return hint.Usagef("leave one of them out", "--pull and --pull-policy %s contradict each other", o.PullPolicy)
		}
		o.PullPolicy = platform.PullAlways
	}
	if !slices.Contains(progresses, o.others.progress) {
		return hint.Usagef("valid are: "+strings.Join(progresses, ", ")+"; --output json prints the result as JSON", "--progress: there is no %q", o.others.progress)
	}
	o.Flags.Quiet = o.Flags.Quiet || o.others.progress == "quiet"
	return nil
}
