package outlet

import (
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// Familiar is what a daemon calls an image: without the parts that everybody
// knows.
func Familiar(ref name.Reference) string {
	full := ref.Name()
	short, ok := strings.CutPrefix(full, name.DefaultRegistry+"/")
	if !ok {
		return full
	}
	return strings.TrimPrefix(short, "library/")
}

// tagOf is the tag in a name, which has one.
func tagOf(name string) string {
	return name[strings.LastIndex(name, ":")+1:]
}
