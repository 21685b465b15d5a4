package kinds

import (
	"os"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/attrs"
	"github.com/pack-cache/pack-cache/internal/hint"
)

// ReadImport reads a place to look for a cache in: attributes, or a reference. app
// is the app image, which some caches are named after by default. The error may be
// a *hint.UsageError and, about a reference, a *reference.Error. What is returned with an
// error has the type, as far as it was understood.
func ReadImport(value, app string) (Import, error) {
	pairs, err := split(value)
	if err != nil {
		return Import{}, err
	}
	return importOf(pairs, app)
}

// ReadExport reads a place to save the cache to, as ReadImport does.
func ReadExport(value, app string) (Export, error) {
	pairs, err := split(value)
	if err != nil {
		return Export{}, err
	}
	return exportOf(pairs, app)
}

// ReadImage reads the reference of an image that is imported from and exported to.
func ReadImage(written string) (Import, Export, error) {
	to, err := exportOf(imageAttrs(written), "")
	return Import{Location: to.Location}, to, err
}

// ReadDirectory reads the path of a directory that is imported from and exported to.
func ReadDirectory(path string) (Import, Export, error) {
	in := func(attribute string) []attrs.Pair {
		return []attrs.Pair{{Name: "type", Value: "local"}, {Name: attribute, Value: path}}
	}
	from, err := importOf(in("src"), "")
	if err != nil {
		return from, Export{}, err
	}
	to, err := exportOf(in("dest"), "")
	return from, to, err
}

func split(value string) ([]attrs.Pair, error) {
	pairs, bare, err := attrs.Split(value)
	if bare != "" {
		pairs = imageAttrs(bare)
	}
	return pairs, err
}

// imageAttrs are the attributes of a cache that is an image.
func imageAttrs(written string) []attrs.Pair {
	return []attrs.Pair{{Name: "type", Value: "registry"}, {Name: "ref", Value: written}}
}

func importOf(pairs []attrs.Pair, app string) (Import, error) {
	at, general, err := read(pairs, toImport, app)
	return Import{Location: at, Timeout: general.Timeout}, err
}

func exportOf(pairs []attrs.Pair, app string) (Export, error) {
	at, general, err := read(pairs, toExport, app)
	to := Export{Location: at}
	if err != nil {
		return to, err
	}
	if decides, ok := at.Place.attributes.(exporter); ok {
		decides.export(&to)
	}
	return to, general.export(&to)
}

// read makes a location of attributes. It has the type even if the rest was not
// understood.
func read(pairs []attrs.Pair, use, app string) (at Location, general generalAttrs, err error) {
	kind, pairs, err := kindOf(pairs)
	if err != nil {
		return at, general, err
	}
	at.Place = Place{kind.name, kind.attributes()}
	if err := attrs.Set(pairs, use, os.LookupEnv, at.Place.attributes, &general); err != nil {
		return at, general, err
	}
	if err := at.Place.complete(use, repositoryOf(app)); err != nil {
		return at, general, err
	}
	at.Rule = general.rule()
	at.Names = at.Place.names(func(attribute string) bool {
		return slices.ContainsFunc(pairs, func(p attrs.Pair) bool { return p.Name == attribute })
	})
	return at, general, nil
}

// kindOf finds the kind that attributes name, and returns the others.
func kindOf(pairs []attrs.Pair) (kind, []attrs.Pair, error) {
	var types []string
	for _, kind := range all() {
		types = append(types, kind.name)
	}
	valid := strings.Join(types, ", ")
	at := slices.IndexFunc(pairs, func(p attrs.Pair) bool { return p.Name == "type" })
	if at < 0 {
		return kind{}, nil, hint.Usagef("add type=, with one of: "+valid, "attribute type is missing")
	}
	which := slices.Index(types, pairs[at].Value)
	if which < 0 {
		return kind{}, nil, hint.Usagef(attrs.DidYouMean(pairs[at].Value, types)+"valid are: "+valid, "attribute type: there is no %q", pairs[at].Value)
	}
	return all()[which], slices.Delete(slices.Clone(pairs), at, at+1), nil
}

// repositoryOf is the repository of an image, without its tag, which may be
// another one in each build. An image that is not a reference is as it is.
func repositoryOf(image string) string {
	ref, err := name.ParseReference(image, name.WeakValidation)
	if err != nil {
		return image
	}
	return ref.Context().Name()
}
