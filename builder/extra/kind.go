package extra

import (
	"context"
	"errors"
	"slices"

	"github.com/pack-cache/pack-cache/builder"
)

// species is what a resolver looks for: buildpacks, or image extensions.
type species struct {
	word string
	// file is the descriptor, table the table in it with the name.
	file, table string
	// dir is where a builder has them.
	dir string
	// program is what every one has; "" for none.
	program string
	// read reads from the labels of an image which of them it holds.
	read func(labels map[string]string) (builder.Modules, error)
}

var (
	buildpacks = species{"buildpack", descriptorFile, "buildpack", "cnb/buildpacks", "bin/build", builder.ReadModules}
	extensions = species{"image extension", "extension.toml", "extension", "cnb/extensions", "", builder.ReadExtensions}
)

// extensionOrder finds image extensions, and puts their order together as pack
// does: all are one group, in which the last one comes first.
func (r *resolver) extensionOrder(ctx context.Context, sources []Source) (builder.Order, error) {
	var group []builder.Ref
	for _, src := range sources {
		ref, all, err := r.find(ctx, src)
		if err == nil && all {
			err = misnamed(src.Locator, "image extensions cannot be taken from the builder's order as a whole", "name each of them as ID[@VERSION]")
		}
		if err != nil {
			if failed, ok := errors.AsType[*Error](err); ok {
				failed.Extension = true
			}
			return nil, err
		}
		group = append(group, ref)
	}
	slices.Reverse(group)
	return builder.Order{{Group: group}}, nil
}
