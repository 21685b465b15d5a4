package extra

import (
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/builder"
)

func sources(locators ...string) []Source {
	var all []Source
	for _, locator := range locators {
		all = append(all, Source{Locator: locator})
	}
	return all
}

// TestOrder puts orders together, all of buildpacks that the builder has, but
// for y and z.
func TestOrder(t *testing.T) {
	t.Parallel()
	images := map[string]v1.Image{
		"y": fakePackage(t, map[string]v1.Layer{"acme/y@1": fakeLayer(t, "acme/y@1")}, "acme/y@1", nil),
		"z": fakePackage(t, map[string]v1.Layer{"acme/z@1": fakeLayer(t, "acme/z@1")}, "acme/z@1", nil),
	}
	const a, b, c, y, z = "acme/a@1", "acme/b@1.2 (optional)", "acme/c@3", "acme/y@1", "acme/z@1"
	for _, test := range []struct {
		name string
		req  Request
		want string
	}{
		{"one of the builder", Request{Buildpacks: sources("acme/b")}, "acme/b@1.2"},
		{"one of the builder by version", Request{Buildpacks: sources("acme/v@2")}, "acme/v@2"},
		{"one of the builder by urn", Request{Buildpacks: sources("urn:cnb:builder:acme/v@1", "from=builder:acme/a")}, "acme/v@1, " + a},
		{"an extra one", Request{Buildpacks: sources("docker://y")}, y},
		{"all of the builder", Request{Buildpacks: sources("from=builder")}, a + ", " + b + " | " + c},
		{"all of the builder by urn", Request{Buildpacks: sources("urn:cnb:builder")}, a + ", " + b + " | " + c},
		{"after the builder's", Request{Buildpacks: sources("from=builder", "docker://y")}, a + ", " + b + ", " + y + " | " + c + ", " + y},
		{"around the builder's", Request{Buildpacks: sources("docker://y", "from=builder", "docker://z")},
			y + ", " + a + ", " + b + ", " + z + " | " + y + ", " + c + ", " + z},
		{"pre", Request{Pre: sources("docker://y")}, y + ", " + a + ", " + b + " | " + y + ", " + c},
		{"two pre, as pack orders them", Request{Pre: sources("docker://y", "docker://z")}, z + ", " + y + ", " + a + ", " + b + " | " + z + ", " + y + ", " + c},
		{"post", Request{Post: sources("docker://y", "docker://z")}, a + ", " + b + ", " + y + ", " + z + " | " + c + ", " + y + ", " + z},
		{"pre and post", Request{Pre: sources("docker://y"), Post: sources("docker://z")}, y + ", " + a + ", " + b + ", " + z + " | " + y + ", " + c + ", " + z},
		{"pre and post have no effect", Request{Buildpacks: sources("acme/a"), Pre: sources("docker://y"), Post: sources("docker://z")}, a},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			heard := &reporter{}
			test.req.Progress = heard
			base := fakeBuilder(t, nil)
			additions, err := resolve(t, base, test.req, images)
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Order      builder.Order
				Extensions builder.Order `toml:"order-extensions"`
			}
			if _, err := toml.Decode(additions.read(t, base).order, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, describe(got.Order)); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
			if got := describe(got.Extensions); got != "acme/x@1" {
				t.Errorf("order of extensions is %s", got)
			}
			if without := test.req.Buildpacks != nil && test.req.Pre != nil; without != (len(heard.warnings) > 0) {
				t.Errorf("warnings: %q", heard.warnings)
			}
		})
	}
}

func TestOrderRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		req    Request
		labels func(map[string]string)
		want   string
	}{
		{"the builder's order twice", Request{Buildpacks: sources("from=builder", "urn:cnb:builder")}, nil, "only once"},
		{"the builder's order before itself", Request{Pre: sources("from=builder")}, nil, "before or after itself"},
		{"no order", Request{Pre: sources("acme/a")}, func(l map[string]string) { delete(l, "io.buildpacks.buildpack.order") }, "does not say in which order"},
		{"an order of something else", Request{Post: sources("acme/a")}, func(l map[string]string) { l["io.buildpacks.buildpack.order"] = `[{"group":[{"id":"acme/gone"}]}]` }, "no buildpack acme/gone"},
		{"an unclear order", Request{Post: sources("acme/a")}, func(l map[string]string) { l["io.buildpacks.buildpack.order"] = `[{"group":[{"id":"acme/v"}]}]` }, "several versions of acme/v: 1, 2"},
		{"a broken order", Request{Post: sources("acme/a")}, func(l map[string]string) { l["io.buildpacks.buildpack.order"] = `[` }, "io.buildpacks.buildpack.order cannot be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := resolve(t, fakeBuilder(t, test.labels), test.req, nil)
			wantError(t, err, test.want)
		})
	}
}

// TestNothing asks for nothing.
func TestNothing(t *testing.T) {
	t.Parallel()
	base := fakeBuilder(t, func(l map[string]string) { l["io.buildpacks.buildpack.order"] = "[" })
	additions, err := resolve(t, base, Request{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	img, err := additions.Apply(base.Image)
	if err != nil || img != base.Image || len(additions.Outside) > 0 {
		t.Errorf("Apply returns another image, or %v; outside are %v", err, additions.Outside)
	}
}
