package platform

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/reference"
)

// purpose is a reference and what the build does with it.
type purpose struct {
	what    string // "app image"
	written string // by the user, or by the builder
	ref     name.Reference
}

// tag is the name under which others find the image: a digest beside it is left
// out, because what the build overwrites is the name.
func (p purpose) tag() string {
	ref := p.ref
	if written, _, pinned := strings.Cut(p.written, "@"); pinned {
		if tag, err := name.ParseReference(written, name.WeakValidation); err == nil {
			ref = tag
		}
	}
	return strings.ToLower(ref.Context().RegistryStr()) + "/" + ref.Context().RepositoryStr() + ":" + ref.Identifier()
}

// refuseDigest fails if the build is to make a digest stand for something new.
func (p purpose) refuseDigest() error {
	if _, ok := p.ref.(name.Digest); ok {
		return hint.Usagef("name a tag instead", "%s %q has a digest; a build makes a new one", p.what, p.written)
	}
	return nil
}

// parse reads a reference that the user gave for something.
func (r *resolved) parse(what, written string) (name.Reference, error) {
	return reference.Parse(what, written, r.Insecure)
}

// checkReferences parses all references that the user gave, and refuses
// combinations in which one image would overwrite another.
func (p *Platform) checkReferences(ctx context.Context, r *resolved) error {
	if r.Builder == "" && resident(ctx, r.engines) == nil {
		return noBuilder(ctx, r.engines)
	}
	if err := r.checkNames(); err != nil {
		return err
	}
	images := slices.Clone(r.names)
	var err error
	var sources []purpose
	if r.Builder != "" {
		if r.builderRef, err = r.parse("builder", r.Builder); err != nil {
			return err
		}
		sources = append(sources, purpose{"builder", r.Builder, r.builderRef})
	}
	if r.RunImage != "" {
		ref, err := r.parse("run image", r.RunImage)
		if err != nil {
			return err
		}
		sources = append(sources, purpose{"run image", r.RunImage, ref})
	}
	caches, err := r.checkCaches()
	if err != nil {
		return err
	}
	r.outputs = slices.Concat(images, caches)
	if err := p.refuseBuilders(r); err != nil {
		return err
	}
	if err := refuseSame(sources, r.outputs); err != nil {
		return err
	}
	previous, err := r.checkPrevious()
	if err != nil {
		return err
	}
	return refuseSame(append(images, previous...), caches)
}

// checkPrevious parses the previous image that the user gave: one image, or none.
func (r *resolved) checkPrevious() ([]purpose, error) {
	dir, isDir := layoutPath(r.PreviousImage)
	switch {
	case r.PreviousImage == "":
		return nil, nil
	case isDir && dir != "" && (r.Output.To == ToLayout || r.Output.To == ToLayoutFile):
		return nil, nil
	case isDir:
		return nil, hint.Usagef("name an image that is where the app image goes",
			"--previous-image %q is a directory, but the app image goes elsewhere", r.PreviousImage)
	}
	ref, err := r.parse("previous image", r.PreviousImage)
	if err != nil {
		return nil, err
	}
	r.previous = ref.Name()
	return []purpose{{"previous image", r.PreviousImage, ref}}, nil
}

// checkNames parses the names that the app image gets.
func (r *resolved) checkNames() error {
	if r.Output.To == ToNowhere {
		return nil
	}
	if r.Output.To == ToLayout && r.Image == "" {
		r.app = LayoutPrefix + r.Output.Path
		if len(r.Tags) > 0 {
			return hint.Usagef("leave --tag out, or write --output type=oci,tar=false,dest="+r.Output.Path+" and name the image",
				"--tag gives another name to an image that has one, and an image in a directory has none")
		}
		return nil
	}
	app, err := r.parseOutput("image", r.Image)
	if err != nil {
		return err
	}
	r.app, r.previous = app.Name(), app.Name()
	r.names = []purpose{{"app image", r.Image, app}}
	for _, tag := range r.Tags {
		ref, err := r.parseOutput("tag", tag)
		if err != nil {
			return err
		}
		if host := app.Context().RegistryStr(); r.Output.To == ToRegistry && ref.Context().RegistryStr() != host {
			return hint.Usagef("choose a tag in "+host+"; the lifecycle publishes to one registry",
				"tag %s is in another registry than the image %s", tag, r.Image)
		}
		r.names = append(r.names, purpose{"tag", tag, ref})
	}
	return nil
}

// LayoutPrefix begins what stands for an image in a directory.
const LayoutPrefix = "oci:"

// layoutPath is the directory that is meant, if it is one.
func layoutPath(written string) (string, bool) { return strings.CutPrefix(written, LayoutPrefix) }

// parseOutput reads a reference that the build makes stand for something new.
func (r *resolved) parseOutput(what, written string) (name.Reference, error) {
	ref, err := r.parse(what, written)
	if err != nil {
		return nil, err
	}
	return ref, purpose{what, written, ref}.refuseDigest()
}

// refuseSame fails if one of others is also one of outputs, by which the build
// would overwrite it.
func refuseSame(others, outputs []purpose) error {
	for _, other := range others {
		for _, output := range outputs {
			if other.tag() == output.tag() {
				return hint.Usagef(fmt.Sprintf("the build would overwrite the %s; choose another name for the %s", other.what, output.what),
					"%s and %s are the same reference %s", other.what, output.what, output.written)
			}
		}
	}
	return nil
}
