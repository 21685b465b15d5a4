package registry

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// ref parses a reference.
func ref(t testing.TB, written string) name.Reference {
	t.Helper()
	parsed, err := name.ParseReference(written)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestInvalidName checks that a name does not become a path.
func TestInvalidName(t *testing.T) {
	t.Parallel()
	// No registry is needed to find out.
	s := New(Config{Ref: ref(t, "registry.invalid/cache")})
	for _, odd := range []string{"", ".", "..", "../../other/manifests/latest", "a/b", "a?b", "a%2fb", "-a", strings.Repeat("x", 129), "ä"} {
		if _, _, err := s.Resolve(t.Context(), odd); !isRefError(err) {
			t.Errorf("resolve %q: %v", odd, err)
		}
		if _, err := s.Commit(t.Context(), odd, "", nil, v1.Hash{}); !isRefError(err) {
			t.Errorf("commit %q: %v", odd, err)
		}
	}
}

func isRefError(err error) bool {
	_, ok := errors.AsType[*RefError](err)
	return ok
}

func TestChallenges(t *testing.T) {
	t.Parallel()
	type params = map[string]string
	for _, test := range []struct {
		lines []string
		want  []transport.Challenge
	}{
		{nil, nil},
		{[]string{""}, nil},
		{[]string{`Basic realm="x"`}, []transport.Challenge{{Scheme: "Basic", Parameters: params{"realm": "x"}}}},
		{
			[]string{`Bearer realm="https://a/t", service = "a b",Scope="repository:x:pull,push"`},
			[]transport.Challenge{{Scheme: "Bearer", Parameters: params{"realm": "https://a/t", "service": "a b", "scope": "repository:x:pull,push"}}},
		},
		{
			[]string{`Negotiate, Basic realm=x, charset="UTF-8"`, `Digest realm="a \"b\""`},
			[]transport.Challenge{
				{Scheme: "Negotiate", Parameters: params{}},
				{Scheme: "Basic", Parameters: params{"realm": "x", "charset": "UTF-8"}},
				{Scheme: "Digest", Parameters: params{"realm": `a "b"`}},
			},
		},
		{[]string{`Bearer realm="unfinished`}, []transport.Challenge{{Scheme: "Bearer", Parameters: params{"realm": "unfinished"}}}},
	} {
		got := challenges(http.Header{"Www-Authenticate": test.lines})
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.lines, diff)
		}
	}
}

func FuzzChallenges(f *testing.F) {
	for _, line := range []string{`Basic realm="x"`, `Bearer realm="a",scope=b, Negotiate YWJj==`, `,,= "`, `a="\`} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		for _, c := range challenges(http.Header{"Www-Authenticate": {line}}) {
			if c.Scheme == "" || c.Parameters == nil {
				t.Errorf("%q: %v", line, c)
			}
		}
	})
}
