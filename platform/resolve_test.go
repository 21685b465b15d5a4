package platform

import (
	"strings"
	"testing"
)

func TestJudged(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("0", 64)
	tests := []struct{ name, written, want string }{
		{"tag", "r.example.com/b:1", "r.example.com/b:1"},
		{"digest", "r.example.com/b@" + digest, "r.example.com/b@" + digest},
		{"registry with a port", "localhost:5000/b@" + digest, "localhost:5000/b@" + digest},
		{"without a registry", "acme/b:1@" + digest, "index.docker.io/acme/b:1"},
		{"tag and digest", "r.example.com/b:1@" + digest, "r.example.com/b:1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &resolved{Options: Options{Builder: tt.written}}
			var err error
			if r.builderRef, err = r.parse("builder", tt.written); err != nil {
				t.Fatal(err)
			}
			if got := r.judged().Name(); got != tt.want {
				t.Errorf("judged() = %s, want %s", got, tt.want)
			}
		})
	}
}
