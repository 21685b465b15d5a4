package trust_test

import (
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/trust"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("a", 64)
	for builder, want := range map[string]string{
		"acme/b":                      "every tag and digest of index.docker.io/acme/b",
		"R.example.com:5000/b:1":      "tag 1 of r.example.com:5000/b",
		"docker.io/b@" + digest:       "digest " + digest + " of index.docker.io/library/b",
		"r.example.com/b:1@" + digest: "digest " + digest + " of r.example.com/b",
	} {
		if got, err := trust.Describe(builder); err != nil || got != want {
			t.Errorf("Describe(%q) = %q, %v", builder, got, err)
		}
	}
	if _, err := trust.Describe("no reference"); err == nil {
		t.Error("no error for what is not a reference")
	}
}
