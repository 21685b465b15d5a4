package caches

import (
	"cmp"

	"github.com/spf13/pflag"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers/kinds"
)

// Flags are the flags of a command that name caches.
type Flags struct {
	// given are those that were given, in their order.
	given []*given
	// Warning says what Parse has left out, "" if nothing.
	Warning string
}

// given is a flag with its value.
type given struct{ flag, value string }

// Names of the flags.
const (
	importFlag  = "import-cache"
	importAlias = "cache-from"
	exportFlag  = "export-cache"
	exportAlias = "cache-to"
	imageFlag   = "cache-image"
	packFlag    = "cache"
)

// Add adds the flags to those of a command.
func (f *Flags) Add(set *pflag.FlagSet) {
	for _, flag := range []struct{ name, usage string }{
		{importFlag, "look for the `cache` there, an image or TYPE,ATTRIBUTES as above; repeatable, the first that has a layer gives it"},
		{importAlias, "the same as --import-cache `cache`"},
		{exportFlag, "save the `cache` there, an image or TYPE,ATTRIBUTES as above; repeatable, all are written"},
		{exportAlias, "the same as --export-cache `cache`"},
		{imageFlag, "keep the cache in this `image`: --import-cache and --export-cache of type=registry,ref=IMAGE; needs --publish"},
		{packFlag, "keep the `cache` as pack does: type=build;format=image;name=IMAGE, or format=bind;source=DIRECTORY, or format=volume;name=NAME"},
	} {
		set.Var(&flagValue{f, flag.name}, flag.name, flag.usage)
	}
}

// flagValue implements pflag.Value for one of the flags.
type flagValue struct {
	of   *Flags
	name string
}

// String implements pflag.Value.
func (*flagValue) String() string { return "" }

// Type implements pflag.Value.
func (*flagValue) Type() string { return "cache" }

// Set implements pflag.Value. The image is one that can be given once: the last
// counts, as in pack.
func (v *flagValue) Set(value string) error {
	for _, old := range v.of.given {
		if old.flag == v.name && v.name == imageFlag {
			old.value = value
			return nil
		}
	}
	v.of.given = append(v.of.given, &given{v.name, value})
	return nil
}

// Parse returns where to look for a cache and where to save it, in the order of
// the command line. image is the app image, publish whether it is published. The
// error is a usage error.
func (f *Flags) Parse(image string, publish bool) (imports []kinds.Import, exports []kinds.Export, err error) {
	for _, g := range f.given {
		flag := "--" + g.flag
		var from kinds.Import
		var to kinds.Export
		switch g.flag {
		case importFlag, importAlias:
			if from, err = Import(flag, g.value, image); err == nil {
				imports = append(imports, from)
			}
		case exportFlag, exportAlias:
			if to, err = Export(flag, g.value, image); err == nil {
				if to.Inline && !publish {
					return nil, nil, hint.Usagef("add --publish", "%s type=%s needs --publish", flag, to.Type())
				}
				exports = append(exports, to)
			}
		case imageFlag:
			if !publish {
				return nil, nil, hint.Usagef("add --publish", "%s needs --publish", flag)
			}
			from, to, err = Image(flag, g.value)
			imports, exports = append(imports, from), append(exports, to)
		case packFlag:
			var froms []kinds.Import
			var tos []kinds.Export
			var warning string
			froms, tos, warning, err = Pack(flag, g.value, image)
			f.Warning = cmp.Or(f.Warning, warning)
			imports, exports = append(imports, froms...), append(exports, tos...)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return imports, exports, nil
}
