package caches

import (
	"errors"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/reference"
	"github.com/pack-cache/pack-cache/layers/kinds"
)

// Import reads a place to look for a cache in. flag is for errors, which are usage
// errors; image is the app image.
func Import(flag, value, image string) (kinds.Import, error) {
	from, err := kinds.ReadImport(value, image)
	return from, usage(flag, from.Type(), err)
}

// Export reads a place to save the cache to, as Import does.
func Export(flag, value, image string) (kinds.Export, error) {
	to, err := kinds.ReadExport(value, image)
	return to, usage(flag, to.Type(), err)
}

// usage makes a usage error of what is wrong with a flag's value; nil if nothing is.
// What is wrong with a reference is said without the flag.
func usage(flag, kind string, err error) error {
	if _, ok := errors.AsType[*reference.Error](err); ok || err == nil {
		return err
	}
	if kind != "" {
		flag += " type=" + kind
	}
	return hint.Usagef(hint.Of(err), "%s: %w", flag, err)
}
