package platform

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// mirrored returns where to read an image instead of where its name says: at the
// mirror that config.toml names for its registry. What is asked there carries
// the credential for the mirror's host, since the reference is one of that host.
func (p *Platform) mirrored(r *resolved, ref name.Reference) (name.Reference, error) {
	if p.Config == nil {
		return ref, nil
	}
	mirror, ok := mirrorOf(p.Config.RegistryMirrors, ref.Context().RegistryStr())
	if !ok {
		return ref, nil
	}
	separator := ":"
	if _, digest := ref.(name.Digest); digest {
		separator = "@"
	}
	there, err := r.parse("image at the registry mirror", strings.TrimSuffix(mirror, "/")+"/"+ref.Context().RepositoryStr()+separator+ref.Identifier())
	if err != nil {
		return nil, err
	}
	return there, nil
}

// reportMirror says when an image is read from somewhere else than its name says.
func (p *Platform) reportMirror(named, read name.Reference) {
	if named.Name() != read.Name() {
		p.Progress.Info(fmt.Sprintf("Using mirror %s for %s", read, named))
	}
}

// mirrorOf finds the mirror of a registry, as pack does: that of all registries
// goes before its own.
func mirrorOf(mirrors map[string]string, registry string) (string, bool) {
	names := []string{"*", registry}
	if registry == name.DefaultRegistry {
		names = append(names, "docker.io")
	}
	for _, name := range names {
		if mirror, ok := mirrors[name]; ok {
			return mirror, true
		}
	}
	return "", false
}

// runImageMirrors are the mirrors that config.toml names for a run image.
func (p *Platform) runImageMirrors(image string) []string {
	if p.Config == nil {
		return nil
	}
	var mirrors []string
	for _, run := range p.Config.RunImages {
		if sameName(run.Image, image) {
			mirrors = append(mirrors, run.Mirrors...)
		}
	}
	return mirrors
}

// sameName says whether two references mean the same image.
func sameName(a, b string) bool {
	refA, errA := name.ParseReference(a, name.WeakValidation)
	refB, errB := name.ParseReference(b, name.WeakValidation)
	return a == b || errA == nil && errB == nil && refA.Name() == refB.Name()
}
