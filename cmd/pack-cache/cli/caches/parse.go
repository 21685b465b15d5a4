package caches

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/pack-cache/pack-cache/internal/attrs"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
	"github.com/pack-cache/pack-cache/platform"
)

// Import reads a place to look for a cache in: attributes, or a reference. flag
// is for errors, which are usage errors; image is the app image, which some
// caches are named after by default.
func (l List) Import(flag, value, image string) (phases.Import, error) {
	pairs, err := split(value)
	if err != nil {
		return phases.Import{}, usage(flag, "", err)
	}
	return l.importOf(flag, pairs, image)
}

// Export reads a place to save the cache to, as Import does.
func (l List) Export(flag, value, image string) (phases.Export, error) {
	pairs, err := split(value)
	if err != nil {
		return phases.Export{}, usage(flag, "", err)
	}
	return l.exportOf(flag, pairs, image)
}

func split(value string) ([]attrs.Pair, error) {
	pairs, reference, err := attrs.Split(value)
	if reference != "" {
		pairs = imageAttrs(reference)
	}
	return pairs, err
}

// imageAttrs are the attributes of a cache that is an image.
func imageAttrs(reference string) []attrs.Pair {
	return []attrs.Pair{{Name: "type", Value: "registry"}, {Name: "ref", Value: reference}}
}

func (l List) importOf(flag string, pairs []attrs.Pair, image string) (phases.Import, error) {
	read, err := l.read(pairs, toImport, image)
	if err != nil {
		return phases.Import{}, usage(flag, read.at.Type, err)
	}
	read.at.Rule = read.general.rule()
	return phases.Import{Location: read.at, Timeout: read.general.Timeout}, nil
}

func (l List) exportOf(flag string, pairs []attrs.Pair, image string) (phases.Export, error) {
	read, err := l.read(pairs, toExport, image)
	to := phases.Export{Location: read.at}
	if err == nil {
		if decides, ok := read.own.(exporter); ok {
			decides.export(&to)
		}
		err = read.general.export(&to)
	}
	if err != nil {
		return phases.Export{}, usage(flag, read.at.Type, err)
	}
	return to, nil
}

// location is what attributes say of a cache.
type location struct {
	// at has the type even if the rest was not understood.
	at      phases.Location
	general generalAttrs
	own     any // a pointer to the attributes of the kind
}

func (l List) read(pairs []attrs.Pair, use, image string) (location, error) {
	var read location
	kind, pairs, err := l.kindOf(pairs)
	if err != nil {
		return read, err
	}
	read.at.Type, read.own = kind.Type, kind.attributes()
	if err := attrs.Set(pairs, use, os.LookupEnv, read.own, &read.general); err != nil {
		return read, err
	}
	if adopts, ok := read.own.(imageNamed); ok {
		adopts.nameAfter(repositoryOf(image))
	}
	if checks, ok := read.own.(checker); ok {
		if err := checks.check(use); err != nil {
			return read, err
		}
	}
	read.at.Attrs, read.at.Secrets = attrs.Values(read.own), attrs.Secrets(read.own)
	if labels, ok := read.own.(labeler); ok {
		read.at.Label = labels.label()
	}
	return read, nil
}

// kindOf finds the kind that attributes name, and returns the others.
func (l List) kindOf(pairs []attrs.Pair) (Kind, []attrs.Pair, error) {
	var types []string
	for _, kind := range l {
		types = append(types, kind.Type)
	}
	valid := strings.Join(types, ", ")
	at := slices.IndexFunc(pairs, func(p attrs.Pair) bool { return p.Name == "type" })
	if at < 0 {
		return Kind{}, nil, attrs.Refuse("add type=, with one of: "+valid, "attribute type is missing")
	}
	which := slices.Index(types, pairs[at].Value)
	if which < 0 {
		return Kind{}, nil, attrs.Refuse(attrs.DidYouMean(pairs[at].Value, types)+"valid are: "+valid, "attribute type: there is no %q", pairs[at].Value)
	}
	return l[which], slices.Delete(slices.Clone(pairs), at, at+1), nil
}

// usage makes a usage error of what is wrong with a flag's value.
func usage(flag, kind string, err error) error {
	if kind != "" {
		flag += " type=" + kind
	}
	hint := ""
	if refused, ok := errors.AsType[*attrs.Error](err); ok {
		hint = refused.Hint()
	}
	return platform.NewUsageError(flag+": "+err.Error(), hint)
}
