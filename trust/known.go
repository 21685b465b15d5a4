package trust

import "slices"

// KnownBuilders returns the builders that are trusted without being listed in
// the configuration, in the order of their names: those that pack v0.40 trusts.
// They match as entries of the configuration do.
func KnownBuilders() []string {
	return slices.Clone(knownBuilders[:])
}

var knownBuilders = [...]string{
	"gcr.io/buildpacks/builder:google-22",
	"heroku/builder:20",
	"heroku/builder:22",
	"heroku/builder:24",
	"heroku/builder:26",
	"paketobuildpacks/builder-jammy-base",
	"paketobuildpacks/builder-jammy-buildpackless-static",
	"paketobuildpacks/builder-jammy-full",
	"paketobuildpacks/builder-jammy-tiny",
	"paketobuildpacks/builder-ubi8-base",
	"paketobuildpacks/ubi-10-builder",
	"paketobuildpacks/ubi-9-builder",
	"paketobuildpacks/ubuntu-noble-builder",
}
