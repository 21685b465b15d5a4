package reference

import (
	"errors"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/hint"
)

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		written string
		want    string // the full name
	}{
		{"app", "index.docker.io/library/app:latest"},
		{"team/app:1", "index.docker.io/team/app:1"},
		{"localhost/app", "localhost/app:latest"},
		{"registry.example.com:5000/a/b__c/d-e.f:V_1.0-x", "registry.example.com:5000/a/b__c/d-e.f:V_1.0-x"},
		{"app:1@sha256:" + strings.Repeat("a", 64), "index.docker.io/library/app@sha256:" + strings.Repeat("a", 64)},
		{"r.example.com/app:1@sha256:" + strings.Repeat("a", 64), "r.example.com/app@sha256:" + strings.Repeat("a", 64)},
	}
	for _, test := range tests {
		t.Run(test.written, func(t *testing.T) {
			t.Parallel()
			ref, err := Parse("image", test.written, nil)
			if err != nil || ref.Name() != test.want {
				t.Errorf("got %v, %v; want %s", ref, err, test.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ written, says, hint string }{
		{"", `image "" is not an image reference`, "REGISTRY/REPOSITORY"},
		{"r.example.com/", `"r.example.com/"`, "REGISTRY/REPOSITORY"},
		{"r.example.com/app/", `"app/" is not made of`, "REGISTRY/REPOSITORY"},
		{"r.example.com//app", `"/app" is not made of`, "REGISTRY/REPOSITORY"},
		{"r.example.com/-app", `"-app" is not made of`, "REGISTRY/REPOSITORY"},
		{"r.example.com/App", "can only contain", "REGISTRY/REPOSITORY"},
		{"r.example.com/app:", "must specify a tag", "REGISTRY/REPOSITORY"},
		{"r.example.com/app:-1", `the tag "-1"`, "REGISTRY/REPOSITORY"},
		{"r.example.com/app@sha256:12", "image reference", "REGISTRY/REPOSITORY"},
		{"r.example.com:port/app", "image reference", "REGISTRY/REPOSITORY"},
		{"http://r.example.com/app", "begins with http://", "leave that out: r.example.com/app"},
		{"docker://r.example.com/app", "begins with docker://", "leave that out: r.example.com/app"},
		{"bob:hunter2@r.example.com/app", `"[redacted]@r.example.com/app"`, "docker login r.example.com"},
		{"bob:hunter2@r.example.com", `"[redacted]@r.example.com"`, "docker login r.example.com"},
		{"https://bob:hunter2@r.example.com/app", `"[redacted]@r.example.com/app"`, "docker login r.example.com"},
	}
	for _, test := range tests {
		t.Run(test.written, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("image", test.written, nil)
			refused, ok := errors.AsType[*hint.UsageError](err)
			if !ok {
				t.Fatalf("got %v, want a usage error", err)
			}
			if text := refused.Error() + refused.Hint(); strings.Contains(text, "hunter2") {
				t.Errorf("it has the password: %s", text)
			}
			if !strings.Contains(refused.Error(), test.says) || !strings.Contains(refused.Hint(), test.hint) {
				t.Errorf("got %q, %q", refused.Error(), refused.Hint())
			}
		})
	}
}
