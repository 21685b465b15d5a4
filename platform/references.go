package platform

import (
	"fmt"
	"maps"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// parse reads a reference as docker and pack do.
func (r *resolved) parse(what, reference string) (name.Reference, error) {
	ref, err := name.ParseReference(reference, name.WeakValidation)
	if err != nil {
		return nil, NewUsageError(fmt.Sprintf("%s %q is not an image reference: %v", what, reference, err), "write it as REGISTRY/REPOSITORY[:TAG]")
	}
	if !slices.Contains(r.Insecure, ref.Context().RegistryStr()) {
		return ref, nil
	}
	return name.ParseReference(reference, name.WeakValidation, name.Insecure)
}

// checkReferences parses all references and refuses combinations in which one
// image would overwrite another.
func (r *resolved) checkReferences() error {
	if r.Builder == "" {
		return NewUsageError("no builder given", "name one with --builder")
	}
	app, err := r.parse("image", r.Image)
	if err != nil {
		return err
	}
	if _, ok := app.(name.Digest); ok {
		return NewUsageError(fmt.Sprintf("image %q has a digest; a build makes a new one", r.Image), "name a tag instead")
	}
	if r.builderRef, err = r.parse("builder", r.Builder); err != nil {
		return err
	}
	r.app, r.previous = app.Name(), app.Name()
	if r.PreviousImage != "" {
		previous, err := r.parse("previous image", r.PreviousImage)
		if err != nil {
			return err
		}
		r.previous = previous.Name()
	}
	taken := map[string]string{app.Name(): "app image"}
	if what, ok := taken[r.builderRef.Name()]; ok {
		return NewUsageError(fmt.Sprintf("builder and %s are the same reference %s", what, r.Builder), "the build would overwrite the builder; choose another name")
	}
	taken[r.builderRef.Name()] = "builder"
	for _, tag := range r.Tags {
		ref, err := r.parse("tag", tag)
		if err != nil {
			return err
		}
		if what, ok := taken[ref.Name()]; ok && what == "builder" {
			return NewUsageError(fmt.Sprintf("tag and builder are the same reference %s", tag), "the build would overwrite the builder; choose another tag")
		}
		taken[ref.Name()] = "app image"
	}
	if r.imports, err = r.normalise(r.Imports, nil); err != nil {
		return err
	}
	r.exports, err = r.normalise(r.Exports, taken)
	return err
}

// normalise resolves the references of registry caches; none of them may be one
// of taken, by reference what it is.
func (r *resolved) normalise(locations []phases.Location, taken map[string]string) ([]phases.Location, error) {
	var out []phases.Location
	for _, at := range locations {
		attrs := maps.Clone(at.Attrs)
		if written, ok := attrs["ref"]; ok {
			ref, err := r.parse("cache image", written)
			if err != nil {
				return nil, err
			}
			if what, ok := taken[ref.Name()]; ok {
				return nil, NewUsageError(fmt.Sprintf("cache image and %s are the same reference %s", what, written), "saving the cache would overwrite it; choose another name for the cache")
			}
			if slices.Contains(r.Insecure, ref.Context().RegistryStr()) {
				attrs["registry.insecure"] = "true"
			}
			attrs["ref"] = ref.Name()
		}
		out = append(out, phases.Location{Type: at.Type, Attrs: attrs})
	}
	return out, nil
}

// host is the registry of the app image.
func (r *resolved) host() string {
	ref, err := name.ParseReference(r.app, name.WeakValidation)
	if err != nil {
		return r.app
	}
	return ref.Context().RegistryStr()
}
