package build

import (
	"slices"

	"github.com/spf13/pflag"
)

// refused are flags of pack that make no sense here, with the reason and the way
// out.
var refused = []struct{ name, short, why, hint string }{
	{"interactive", "", "there is no terminal interface", "leave it out; --verbose shows more"},
	{"sparse", "", "an OCI layout is always written with its run image", "leave it out"},
	{"buildpack-registry", "r", "the buildpack registry is not asked", "name the image of the buildpack with --buildpack docker://REFERENCE"},
	{"lifecycle-image", "", "no lifecycle image is used: the phases that it would run are pack-cache's own", "leave it out"},
}

// addRefused adds the flags, hidden, so that they are refused by their name.
func addRefused(f *pflag.FlagSet) {
	for _, flag := range refused {
		f.StringP(flag.name, flag.short, "", flag.why)
		f.Lookup(flag.name).Hidden = true
		f.Lookup(flag.name).NoOptDefVal = "true"
	}
}

// checkRefused fails if one of them was given.
func checkRefused(f *pflag.FlagSet) error {
	var err error
	f.Visit(func(given *pflag.Flag) {
		i := slices.IndexFunc(refused, func(r struct{ name, short, why, hint string }) bool { return r.name == given.Name })
		if i >= 0 && err == nil {
			err = usagef(refused[i].hint, "--%s is not possible: %s", given.Name, refused[i].why)
		}
	})
	return err
}
