package trust_test

import (
	"testing"

	"github.com/pack-cache/pack-cache/trust"
)

func TestListFind(t *testing.T) {
	t.Parallel()
	list := trust.List{Builders: []string{"registry.example.com/acme/builder", "heroku/builder:99"}}
	tests := []struct {
		builder string
		want    trust.Listing
		ok      bool
	}{
		{"registry.example.com/acme/builder", trust.Listing{Entry: "registry.example.com/acme/builder"}, true},
		{"Registry.Example.com/acme/builder:7", trust.Listing{Entry: "registry.example.com/acme/builder"}, true},
		{"heroku/builder:99", trust.Listing{Entry: "heroku/builder:99"}, true},
		{"heroku/builder", trust.Listing{}, false},
		{"heroku/builder:24", trust.Listing{Entry: "heroku/builder:24", Known: true}, true},
		{"docker.io/paketobuildpacks/builder-jammy-tiny:0.1", trust.Listing{Entry: "paketobuildpacks/builder-jammy-tiny", Known: true}, true},
		{"evil.example.com/acme/builder", trust.Listing{}, false},
	}
	for _, test := range tests {
		got, ok, err := list.Find(test.builder)
		if err != nil || ok != test.ok || got != test.want {
			t.Errorf("Find(%q) = %v, %v, %v", test.builder, got, ok, err)
		}
	}
	if _, _, err := list.Find("no reference"); err == nil {
		t.Error("no error for what is not a reference")
	}
}
