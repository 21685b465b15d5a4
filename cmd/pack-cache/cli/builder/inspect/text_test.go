package inspect

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/builder"
)

// TestOrder draws the order of a builder with composite buildpacks.
func TestOrder(t *testing.T) {
	t.Parallel()
	type group = []builder.OrderEntry
	leaf := builder.OrderEntry{ID: "acme/leaf", Version: "3"}
	got := order(group{
		{Group: group{
			{ID: "acme/outer", Version: "1", Group: group{
				{ID: "acme/inner", Version: "2", Group: group{leaf, {ID: "acme/outer", Version: "1", Cyclical: true}}},
				{ID: "acme/inner", Version: "2", Group: group{leaf}},
			}},
			{ID: "acme/env", Optional: true},
		}},
		{Group: group{leaf}},
	})
	want := `  ├ Group #1:
  │  ├ acme/outer@1 Group #1:
  │  │  ├ acme/inner@2 Group #1:
  │  │  │  ├ acme/leaf@3
  │  │  │  └ acme/outer@1 (cyclic)
  │  │  └ acme/inner@2 Group #2:
  │  │     └ acme/leaf@3
  │  └ acme/env (optional)
  └ Group #2:
     └ acme/leaf@3`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
