package outlet

import (
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// NameOf is what an image is called in daemons and archives: in full, because
// what a name without a registry stands for is not the same everywhere.
func NameOf(ref name.Reference) string {
	if rest, ok := strings.CutPrefix(ref.Name(), name.DefaultRegistry+"/"); ok {
		return "docker.io/" + rest
	}
	return ref.Name()
}

// tagOf is the tag in a name, which has one.
func tagOf(name string) string {
	return name[strings.LastIndex(name, ":")+1:]
}
