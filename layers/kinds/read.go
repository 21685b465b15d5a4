package kinds

import (
	"os"
	"slices"
	"strings"

	"github.com/pack-cache/pack-cache/internal/attrs"
	"github.com/pack-cache/pack-cache/internal/hint"
)

// Import reads a place to look for a cache in: attributes, or a reference. image
// is the app image, which some caches are named after by default. The error may be
// a *hint.UsageError. What is returned with an error has the type, as far as it was
// understood.
func (l List) Import(value, image string) (Import, error) {
	pairs, err := split(value)
	if err != nil {
		return Import{}, err
	}
	return l.importOf(pairs, image)
}

// Export reads a place to save the cache to, as Import does.
func (l List) Export(value, image string) (Export, error) {
	pairs, err := split(value)
	if err != nil {
		return Export{}, err
	}
	return l.exportOf(pairs, image)
}

// Image is an import from and an export to a cache image.
func (l List) Image(reference string) (Import, Export, error) {
	return l.both(imageAttrs(reference), imageAttrs(reference))
}

// Directory is an import from and an export to a directory with a cache.
func (l List) Directory(dir string) (Import, Export, error) {
	local := func(attribute string) []attrs.Pair {
		return []attrs.Pair{{Name: "type", Value: "local"}, {Name: attribute, Value: dir}}
	}
	return l.both(local("src"), local("dest"))
}

func (l List) both(from, to []attrs.Pair) (Import, Export, error) {
	in, err := l.importOf(from, "")
	if err != nil {
		return in, Export{}, err
	}
	out, err := l.exportOf(to, "")
	return in, out, err
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

func (l List) importOf(pairs []attrs.Pair, image string) (Import, error) {
	read, err := l.read(pairs, toImport, image)
	read.at.Rule = read.general.rule()
	return Import{Location: read.at, Timeout: read.general.Timeout}, err
}

func (l List) exportOf(pairs []attrs.Pair, image string) (Export, error) {
	read, err := l.read(pairs, toExport, image)
	to := Export{Location: read.at}
	if err != nil {
		return to, err
	}
	if decides, ok := read.own.(exporter); ok {
		decides.export(&to)
	}
	return to, read.general.export(&to)
}

// location is what attributes say of a cache.
type location struct {
	// at has the type even if the rest was not understood.
	at      Location
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
		return Kind{}, nil, hint.Usagef("add type=, with one of: "+valid, "attribute type is missing")
	}
	which := slices.Index(types, pairs[at].Value)
	if which < 0 {
		return Kind{}, nil, hint.Usagef(attrs.DidYouMean(pairs[at].Value, types)+"valid are: "+valid, "attribute type: there is no %q", pairs[at].Value)
	}
	return l[which], slices.Delete(slices.Clone(pairs), at, at+1), nil
}
