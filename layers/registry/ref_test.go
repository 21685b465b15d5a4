package registry

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

func TestRef(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("a", 64)
	for _, test := range []struct{ ref, store, name string }{
		{"registry.example.com/team/cache", "registry.example.com/team/cache", "latest"},
		{"registry.example.com:5000/team/cache:main", "registry.example.com:5000/team/cache", "main"},
		{"127.0.0.1:5000/cache@" + digest, "127.0.0.1:5000/cache", digest},
		{"localhost:5000/cache:main@" + digest, "localhost:5000/cache", digest},
		{"team/cache", "index.docker.io/team/cache", "latest"},
		{"cache:v1", "index.docker.io/library/cache", "v1"},
		{"cache@" + digest, "index.docker.io/library/cache", digest},
	} {
		s, err := New(Config{Ref: test.ref})
		if err != nil {
			t.Errorf("%s: %v", test.ref, err)
			continue
		}
		if s.String() != test.store || s.Name() != test.name {
			t.Errorf("%s is %s and %s, want %s and %s", test.ref, s, s.Name(), test.store, test.name)
		}
	}
}

func TestInvalidRef(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ ref, shown string }{
		{"", `""`},
		{"registry.example.com/Team/cache", "registry.example.com/Team/cache"},
		{"registry.example.com/cache:a b", "registry.example.com/cache:a b"},
		{"registry.example.com/cache@sha256:abc", "registry.example.com/cache@sha256:abc"},
		{"https://registry.example.com/cache", "https://registry.example.com/cache"},
		{"user:hush@registry.example.com/cache", "[redacted]@registry.example.com/cache"},
		{"https://user:hush@registry.example.com/cache", "[redacted]@registry.example.com/cache"},
		{"user:hush@registry.example.com", "[redacted]@registry.example.com"},
	} {
		_, err := New(Config{Ref: test.ref})
		ref, ok := errors.AsType[*RefError](err)
		if !ok {
			t.Errorf("%s: error %v", test.ref, err)
			continue
		}
		if !strings.Contains(err.Error(), test.shown) || strings.Contains(err.Error(), "hush") || ref.Hint() == "" || strings.Contains(ref.Hint(), "hush") {
			t.Errorf("%s: %v (%s)", test.ref, err, ref.Hint())
		}
	}
}

// TestInvalidName checks that a name does not become a path.
func TestInvalidName(t *testing.T) {
	t.Parallel()
	// No registry is needed to find out.
	s, err := New(Config{Ref: "registry.invalid/cache"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", ".", "..", "../../other/manifests/latest", "a/b", "a?b", "a%2fb", "-a", strings.Repeat("x", 129), "ä"} {
		if _, _, err := s.Resolve(t.Context(), name); !isRefError(err) {
			t.Errorf("resolve %q: %v", name, err)
		}
		if _, err := s.Commit(t.Context(), name, "", nil, v1.Hash{}); !isRefError(err) {
			t.Errorf("commit %q: %v", name, err)
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
