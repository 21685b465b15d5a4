package builder_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/builder"
)

func TestOrder(t *testing.T) {
	t.Parallel()
	b, err := builder.Inspect(image(t, ids, map[string]string{
		label: `{"buildpacks":[{"id":"acme/a","version":"1"},{"id":"acme/old","version":"2"}],
			"lifecycle":{"apis":{"buildpack":{"deprecated":["0.7"],"supported":["0.10"]}}}}`,
		"io.buildpacks.buildpack.order":            `[{"group":[{"id":"acme/a"},{"id":"acme/old","version":"2","optional":true}]}]`,
		"io.buildpacks.buildpack.order-extensions": `[{"group":[{"id":"acme/x","version":"3"}]}]`,
		"io.buildpacks.buildpack.layers":           `{"acme/a":{"1":{"api":"0.10","layerDiffID":"sha256:aa","stacks":[{"id":"*"}]}}}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	order, extensions, err := b.Order()
	if err != nil {
		t.Fatal(err)
	}
	want := builder.Order{{Group: []builder.Ref{{ID: "acme/a"}, {ID: "acme/old", Version: "2", Optional: true}}}}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(builder.Order{{Group: []builder.Ref{{ID: "acme/x", Version: "3"}}}}, extensions); diff != "" {
		t.Errorf("order of extensions (-want +got):\n%s", diff)
	}
	modules, err := b.Modules()
	if err != nil {
		t.Fatal(err)
	}
	wantModules := builder.Modules{"acme/a": {"1": {API: "0.10", LayerDiffID: "sha256:aa", Stacks: []builder.Stack{{ID: "*"}}}}, "acme/old": {"2": {}}}
	if diff := cmp.Diff(wantModules, modules); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
	apis, err := b.BuildpackAPIs()
	if diff := cmp.Diff([]string{"0.7", "0.10"}, apis); diff != "" || err != nil {
		t.Errorf("Buildpack APIs (-want +got), %v:\n%s", err, diff)
	}
}

func TestOrderUnsaid(t *testing.T) {
	t.Parallel()
	b, err := builder.Inspect(image(t, ids, map[string]string{
		label: `{}`, "io.buildpacks.buildpack.layers": `null`,
		"io.buildpacks.lifecycle.apis": `{"buildpack":{"supported":["0.9"]}}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	order, extensions, err := b.Order()
	modules, modulesErr := b.Modules()
	if order != nil || extensions != nil || err != nil || len(modules) != 0 || modulesErr != nil {
		t.Errorf("order %v, %v, %v; modules %v, %v", order, extensions, err, modules, modulesErr)
	}
	if apis, err := b.BuildpackAPIs(); !cmp.Equal(apis, []string{"0.9"}) || err != nil {
		t.Errorf("Buildpack APIs %v, %v", apis, err)
	}
}

func TestOrderBroken(t *testing.T) {
	t.Parallel()
	b, err := builder.Inspect(image(t, ids, map[string]string{
		label: `{}`, "io.buildpacks.buildpack.order": `{`, "io.buildpacks.buildpack.layers": `[]`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Order(); err == nil {
		t.Error("a broken order is read")
	}
	if _, err := b.Modules(); err == nil {
		t.Error("broken layers are read")
	}
}
