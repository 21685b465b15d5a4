package build

import (
	"slices"

	"github.com/spf13/pflag"

	"github.com/pack-cache/pack-cache/internal/hint"
)

// refused are flags of other tools that make no sense here, with the reason and
// the way out.
var refused = []refusedFlag{
	// pack
	{name: "interactive", why: "there is no terminal interface", hint: "leave it out; --verbose shows more"},
	{name: "sparse", why: "an OCI layout is always written with its run image", hint: "leave it out"},
	{name: "buildpack-registry", short: "r", value: true, why: "the buildpack registry is not asked", hint: "name the image of the buildpack with --buildpack docker://REFERENCE"},
	{name: "lifecycle-image", value: true, why: "no lifecycle image is used: the phases that it would run are pack-cache's own", hint: "leave it out"},
	// docker build
	{name: "file", short: "f", value: true, why: noDockerfile, hint: "name the source with --path, and a project descriptor with --descriptor"},
	{name: "target", value: true, why: noDockerfile, hint: "leave it out"},
	{name: "build-arg", value: true, why: noDockerfile, hint: "write --env KEY=VALUE; buildpacks read their environment"},
	{name: "build-context", value: true, why: noDockerfile, hint: "mount another directory with --volume /HOST/PATH:/TARGET"},
	{name: "secret", value: true, why: noDockerfile, hint: "mount a service binding with --volume /HOST/PATH:/platform/bindings/NAME"},
	{name: "ssh", value: true, why: noDockerfile, hint: "mount what a buildpack needs with --volume /HOST/PATH:/TARGET"},
	{name: "label", value: true, why: "labels are made by buildpacks", hint: "see what the builder has for it, such as --env BP_IMAGE_LABELS=\"KEY=VALUE\""},
	{name: "iidfile", value: true, why: digestPrinted, hint: "write `pack-cache build … > FILE`"},
	{name: "metadata-file", value: true, why: digestPrinted, hint: "write `pack-cache build --output json … > FILE`"},
	{name: "provenance", off: "false", why: "no attestation is made", hint: "leave it out"},
	{name: "attest", value: true, why: "no attestation is made", hint: "leave it out; --sbom-output-dir DIRECTORY keeps the SBOM"},
	{name: "sbom", off: "false", why: "SBOMs are part of the image as buildpacks make them", hint: "write --sbom-output-dir DIRECTORY to have them as files"},
	// kaniko
	{name: "destination", value: true, why: "the image is the command's argument", hint: "write `pack-cache build REGISTRY/app --publish`, and other names with --tag"},
	{name: "context", value: true, why: "the source is a directory of this machine", hint: "write --path DIRECTORY"},
	{name: "dockerfile", value: true, why: noDockerfile, hint: "leave it out"},
	{name: "cache-repo", value: true, why: "the cache is an image", hint: "write --cache-image REGISTRY/REPOSITORY"},
	{name: "digest-file", value: true, why: digestPrinted, hint: "write `pack-cache build … > FILE`"},
	{name: "no-push", why: "nothing is published without --publish", hint: "leave it out"},
}

const (
	noDockerfile  = "buildpacks make the image, and no Dockerfile"
	digestPrinted = "the image by its digest is what is printed to standard output"
)

type refusedFlag struct {
	name, short string
	value       bool   // the flag takes one
	off         string // the value with which the flag asks for nothing
	why, hint   string
}

// addRefused adds the flags, hidden, so that they are refused by their name, but
// for those that the command has.
func addRefused(f *pflag.FlagSet) {
	for _, flag := range refused {
		if f.Lookup(flag.name) != nil {
			continue
		}
		f.StringArrayP(flag.name, flag.short, nil, flag.why)
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
		i := slices.IndexFunc(refused, func(r refusedFlag) bool { return r.name == given.Name && r.why == given.Usage })
		if i < 0 || err != nil || refused[i].off != "" && given.Value.String() == "["+refused[i].off+"]" {
			return
		}
		err = hint.Usagef(refused[i].hint, "--%s is not possible: %s", given.Name, refused[i].why)
	})
	return err
}
