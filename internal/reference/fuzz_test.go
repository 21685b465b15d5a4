package reference

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/grammar"
	"github.com/pack-cache/pack-cache/internal/hint"
)

// FuzzParse reads any reference. A valid one names the same when it is written
// out. Any other is the user's mistake, and no password is shown.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"app", "registry.example.com/team/cache:main", "localhost:5000/a", "[::1]:5000/a", "app@sha256:" + strings.Repeat("a", 64), "app:tag@sha256:" + strings.Repeat("a", 64),
		"https://registry.example.com/a", "user:secret@registry.example.com/a", "https://user:secret@registry.example.com/a", "a/../b", "A:b:c", "@/", "://", "",
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, written string, insecure bool) {
		var hosts []string
		if insecure {
			hosts = []string{"registry.example.com"}
		}
		read, err := Parse("image", written, hosts)
		if err != nil {
			refused, ok := errors.AsType[*Error](err)
			if !ok || hint.Of(refused) == "" {
				t.Errorf("%q: %v", written, err)
			}
			if ok && strings.Contains(refused.Error(), "credential") && strings.Count(refused.Error(), "[redacted]@") != 1 {
				t.Errorf("%q: %v", written, refused)
			}
			return
		}
		if tag, ok := read.(name.Tag); ok && !grammar.Tag.MatchString(tag.TagStr()) {
			t.Errorf("%q has the tag %q", written, tag.TagStr())
		}
		for _, part := range strings.Split(read.Context().RepositoryStr(), "/") {
			if strings.Trim(part, ".") == "" || strings.ContainsAny(part, "?#%@:\\ ") {
				t.Errorf("%q has the repository %q", written, read.Context())
			}
		}
		again, err := Parse("image", read.Name(), hosts)
		if err != nil || again.Name() != read.Name() {
			t.Errorf("%q is %s, which is %v: %v", written, read.Name(), again, err)
		}
	})
}
