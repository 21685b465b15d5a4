package outputs

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/platform"
)

// FuzzParse reads anything: an output has a file where it needs one, and what is no
// output is the user's mistake.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"type=image,push=true", "type=oci,dest=a.tar,name=r.example.com/a", "type=oci,tar=false,dest=", "type=docker", `type=oci,"dest=a,b"`, "json", "type=oci,dest=-", "type=,=", ",", `"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		given, err := Parse("--output", value)
		if err != nil {
			if _, usage := errors.AsType[*hint.UsageError](err); !usage {
				t.Errorf("%q: %v", value, err)
			}
			return
		}
		switch given.To {
		case platform.ToLayout, platform.ToLayoutFile, platform.ToDockerFile:
			if !filepath.IsAbs(given.Path) {
				t.Errorf("%q goes to %q", value, given.Path)
			}
		case platform.ToDaemon, platform.ToRegistry:
			if given.Path != "" {
				t.Errorf("%q goes to %q", value, given.Path)
			}
		default:
			t.Errorf("%q goes to %v", value, given.To)
		}
	})
}
