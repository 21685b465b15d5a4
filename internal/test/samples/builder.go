package samples

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Builder is a builder image and the run image that goes with it. Their layers
// are read from the cache directory when they are pushed or written.
type Builder struct {
	Build, Run v1.Image
	runImage   string
}

// Push pushes the run image to where the builder says it is (Options.RunImage)
// and the builder to ref.
func (b *Builder) Push(ctx context.Context, ref string, opts ...remote.Option) error {
	opts = append(opts, remote.WithContext(ctx))
	for _, push := range []struct {
		ref string
		img v1.Image
	}{{b.runImage, b.Run}, {ref, b.Build}} {
		parsed, err := name.ParseReference(push.ref)
		if err != nil {
			return err
		}
		if err := remote.Write(parsed, push.img, opts...); err != nil {
			return fmt.Errorf("push %s: %w", push.ref, err)
		}
	}
	return nil
}

// Write writes both images into an OCI layout in dir. They are told apart by
// the annotation org.opencontainers.image.ref.name: "builder" and "run".
func (b *Builder) Write(dir string) error {
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	for _, img := range []struct {
		name  string
		image v1.Image
	}{{"builder", b.Build}, {"run", b.Run}} {
		annotation := map[string]string{"org.opencontainers.image.ref.name": img.name}
		if err := path.AppendImage(img.image, layout.WithAnnotations(annotation)); err != nil {
			return fmt.Errorf("write %s image: %w", img.name, err)
		}
	}
	return nil
}
