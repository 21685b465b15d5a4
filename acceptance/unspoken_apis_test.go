package acceptance

import (
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/samples"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestUnspokenAPIs builds where builder, buildpacks and pack-cache have no API in
// common. The error says which of them is to be another one.
func TestUnspokenAPIs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, lifecycle    string
		claimed, buildpack string
		says               []string
	}{
		{"builder older than the buildpack", "0.20.3", "", "0.12", []string{
			"Buildpack 'samples/aged-0.12@1.0.0'", "the builder's lifecycle 0.20.3 does not speak a buildpack's API",
			"HINT: see the output above; take a builder with a newer lifecycle, or a version of the buildpack that speaks Buildpack API 0.7, 0.8, 0.9, 0.10, 0.11; ",
		}},
		{"builder newer than the buildpack", "", "", "0.6", []string{
			"Buildpack 'samples/aged-0.6@1.0.0'", "the builder's lifecycle " + samples.LifecycleVersion + " does not speak a buildpack's API",
		}},
		{"only the builder speaks the buildpack's", "0.17.7", "", "0.6", []string{
			"buildpack samples/aged-0.6@1.0.0 speaks Buildpack API \"0.6\", and pack-cache speaks 0.7 to 0.12",
			"HINT: take a newer version of the buildpack, or of the builder",
		}},
		{"builder older than pack-cache", "0.17.7", "0.3 0.6", "", []string{
			"the builder's lifecycle speaks 0.3, 0.6, pack-cache speaks 0.7, ", "HINT: use a newer version of the builder, one with lifecycle 0.17 or later",
		}},
		{"builder newer than pack-cache", "", "0.98 0.99", "", []string{
			"the builder's lifecycle speaks 0.98, 0.99, pack-cache speaks 0.7, ", "HINT: use a newer version of pack-cache, or an older one of the builder",
		}},
		{"a builder that boasts", "0.17.7", "0.12 0.13", "", []string{
			"the builder's lifecycle does not speak Platform API 0.13, although the builder's labels say so",
			"HINT: see the output above; make the builder anew with `pack builder create`",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			reg := newRegistry(t, testregistry.Options{})
			builder := reg.tiny(t, func(o *samples.Options) {
				o.Lifecycle, o.PlatformAPIs, o.BuildpackAPIs = test.lifecycle, strings.Fields(test.claimed), strings.Fields(test.buildpack)
			})
			before := reg.content(t)
			out := newMachine(t).run("build", reg.ref("app"), "--builder", builder, "--path", newApp(t, nil, nil).dir,
				"--cache-image", reg.ref("cache"), "--publish")
			out.wantCode(t, 1)
			out.wantStderr(t, test.says...)
			reg.wantContent(t, before)
		})
	}
}
