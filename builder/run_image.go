package builder

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
)

// NoRunImageError says that none of a builder's run images can be read.
type NoRunImageError struct {
	Tried []string
	Last  error
}

// Error implements error.
func (e *NoRunImageError) Error() string {
	if len(e.Tried) == 0 {
		return "the builder names no run image"
	}
	return fmt.Sprintf("no run image of the builder can be read (tried %v): %v", e.Tried, e.Last)
}

// Unwrap returns why the last one could not be read.
func (e *NoRunImageError) Unwrap() error { return e.Last }

// Hint tells the way out that there always is. Whether a login would help is said by
// the errors of the images.
func (e *NoRunImageError) Hint() string {
	return "name a readable one with --run-image"
}

// ChooseRunImage returns the run image to build on for an app image in the
// registry appRegistry: of the mirrors that the user prefers, the builder's first
// run image and its mirrors, the one on that registry if it can be read, else the
// first that can. preferred returns the user's mirrors of a run image; readable
// returns nil for an image that can be read.
func (b *Builder) ChooseRunImage(ctx context.Context, appRegistry string, preferred func(string) []string, readable func(context.Context, string) error) (string, error) {
	if len(b.RunImages) == 0 {
		return "", &NoRunImageError{}
	}
	first := b.RunImages[0]
	failed := &NoRunImageError{}
	all := slices.Concat(preferred(first.Image), []string{first.Image}, first.Mirrors)
	for _, candidate := range sameRegistryFirst(all, appRegistry) {
		err := readable(ctx, candidate)
		if err == nil {
			return candidate, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		failed.Tried = append(failed.Tried, candidate)
		failed.Last = errors.Join(failed.Last, err)
	}
	return "", failed
}

func sameRegistryFirst(images []string, registry string) []string {
	var same, others []string
	for _, image := range images {
		ref, err := name.ParseReference(image, name.WeakValidation)
		if err == nil && ref.Context().RegistryStr() == registry {
			same = append(same, image)
		} else {
			others = append(others, image)
		}
	}
	return append(same, others...)
}
