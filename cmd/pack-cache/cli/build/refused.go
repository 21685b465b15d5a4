package build

import (
	"slices"

	"github.com/spf13/pflag"

	"github.com/pack-cache/pack-cache/internal/hint"
)

// refused are flags of pack that make no sense here, with the reason and the way
// out.
var refused = []refusedFlag{
	{name: "interactive", why: "there is no terminal interface", hint: "leave it out; --verbose shows more"},
	{name: "sparse", why: "an OCI layout is always written with its run image", hint: "leave it out"},
	{name: "buildpack-registry", short: "r", value: true, why: "the buildpack registry is not asked", hint: "name the image of the buildpack with --buildpack docker://REFERENCE"},
	{name: "lifecycle-image", value: true, why: "no lifecycle image is used: the phases that it would run are pack-cache's own", hint: "leave it out"},
}

type refusedFlag struct {
	name, short string
	value       bool // the flag takes one
	why, hint   string
}

// addRefused adds the flags, hidden, so that they are refused by their name.
func addRefused(f *pflag.FlagSet) {
	for _, flag := range refused {
		f.StringP(flag.name, flag.short, "", flag.why)
		f.Lookup(flag.name).Hidden = true
		if !flag.value {
			f.Lookup(flag.name).NoOptDefVal = "true"
		}
	}
}

// checkRefused fails if one of them was given.
func checkRefused(f *pflag.FlagSet) error {
	var err error
	f.Visit(func(given *pflag.Flag) {
		i := slices.IndexFunc(refused, func(r refusedFlag) bool { return r.name == given.Name })
		if i >= 0 && err == nil {
			err = hint.Usagef(refused[i].hint, "--%s is not possible: %s", given.Name, refused[i].why)
		}
	})
	return err
}
