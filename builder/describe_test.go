package builder_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/builder"
)

// TestDescribeNested follows the order into composite buildpacks, as deep as it is
// asked to, and not in circles.
func TestDescribeNested(t *testing.T) {
	t.Parallel()
	b, err := builder.Inspect(image(t, ids, map[string]string{
		label:                           `{"buildpacks":[{"id":"acme/outer","version":"1"},{"id":"acme/inner","version":"2"},{"id":"acme/leaf","version":"3"},{"id":"acme/env","version":"4"}]}`,
		"io.buildpacks.buildpack.order": `[{"group":[{"id":"acme/outer"},{"id":"acme/env","version":"4","optional":true}]}]`,
		"io.buildpacks.buildpack.layers": `{"acme/outer":{"1":{"order":[{"group":[{"id":"acme/inner","version":"2"}]}]}},
			"acme/inner":{"2":{"order":[{"group":[{"id":"acme/leaf","version":"3"},{"id":"acme/outer","version":"1"}]},{"group":[{"id":"acme/leaf","version":"3"}]}]}},
			"acme/leaf":{"3":{}},"acme/env":{"4":{}}}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	type group = []builder.OrderEntry
	env, leaf := builder.OrderEntry{ID: "acme/env", Version: "4", Optional: true}, builder.OrderEntry{ID: "acme/leaf", Version: "3"}
	inner := builder.OrderEntry{ID: "acme/inner", Version: "2"}
	outer := func(members ...builder.OrderEntry) builder.OrderEntry {
		return builder.OrderEntry{ID: "acme/outer", Version: "1", Group: members}
	}
	again := builder.OrderEntry{ID: "acme/outer", Version: "1", Cyclical: true}
	for depth, want := range map[int]group{
		0: {{Group: group{outer(), env}}},
		1: {{Group: group{outer(inner), env}}},
		-1: {{Group: group{outer(
			builder.OrderEntry{ID: inner.ID, Version: inner.Version, Group: group{leaf, again}},
			builder.OrderEntry{ID: inner.ID, Version: inner.Version, Group: group{leaf}},
		), env}}},
	} {
		got, err := b.Describe(depth)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Order); diff != "" {
			t.Errorf("depth %d (-want +got):\n%s", depth, diff)
		}
	}
}
