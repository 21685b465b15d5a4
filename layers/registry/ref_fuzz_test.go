package registry

import (
	"errors"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/grammar"
)

// FuzzParse reads any reference. What is one names the same when it is written out; what
// is none is the user's mistake, and no password is shown.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"app", "registry.example.com/team/cache:main", "localhost:5000/a", "[::1]:5000/a", "app@sha256:" + strings.Repeat("a", 64), "app:tag@sha256:" + strings.Repeat("a", 64),
		"https://registry.example.com/a", "user:secret@registry.example.com/a", "https://user:secret@registry.example.com/a", "a/../b", "A:b:c", "@/", "://", "",
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, ref string, insecure bool) {
		repository, name, err := parse(ref, insecure)
		if err != nil {
			refused, ok := errors.AsType[*RefError](err)
			if !ok || refused.Hint() == "" {
				t.Errorf("%q: %v", ref, err)
			}
			if ok && strings.Contains(refused.Reason, "credential") && strings.Count(refused.Ref, "[redacted]@") != 1 {
				t.Errorf("%q is shown as %q", ref, refused.Ref)
			}
			return
		}
		separator := ":"
		if _, err := v1.NewHash(name); err == nil {
			separator = "@"
		} else if !grammar.Tag.MatchString(name) {
			t.Errorf("%q has the name %q", ref, name)
		}
		for _, part := range strings.Split(repository.RepositoryStr(), "/") {
			if strings.Trim(part, ".") == "" || strings.ContainsAny(part, "?#%@:\\ ") {
				t.Errorf("%q has the repository %q", ref, repository)
			}
		}
		again, nameAgain, err := parse(repository.Name()+separator+name, insecure)
		if err != nil || again.Name() != repository.Name() || nameAgain != name {
			t.Errorf("%q is %s and %s, which is %v and %s: %v", ref, repository, name, again, nameAgain, err)
		}
	})
}
