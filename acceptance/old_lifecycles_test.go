package acceptance

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/samples"
	"github.com/pack-cache/pack-cache/internal/test/testran"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestOldLifecycles builds with builders whose lifecycle is of another time, with
// buildpacks of every Buildpack API that it knows, by the newest Platform API that it
// speaks and by older ones: a cold build, a warm one, and one with the cache of the
// other, beside those of the builder's own creator. Buildpacks find the same, and the
// app images are equal.
func TestOldLifecycles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		lifecycle, platformAPI string
		// claimed are the Platform APIs that the builder says it speaks, if not all.
		claimed    []string
		buildpacks string
	}{
		{"0.17.7", "0.7", []string{"0.3", "0.6", "0.7"}, "0.7 0.8 0.9 0.10"},
		{"0.17.7", "0.12", nil, "0.7 0.8 0.9 0.10"},
		{"0.19.6", "0.13", nil, "0.7 0.8 0.9 0.10 0.11"},
		{"0.20.3", "0.14", nil, "0.7 0.8 0.9 0.10 0.11"},
		{samples.LifecycleVersion, "0.15", nil, "0.7 0.8 0.9 0.10 0.11 0.12"},
	} {
		t.Run(test.lifecycle+" by "+test.platformAPI, func(t *testing.T) {
			t.Parallel()
			testran.Against(t, testran.Row{
				Subject: "Builders", Peer: "lifecycle", Version: "`github.com/buildpacks/lifecycle@v" + test.lifecycle + "`",
				Done: "Platform API " + test.platformAPI + ", Buildpack APIs " + strings.ReplaceAll(test.buildpacks, " ", ", ") +
					": cold, warm and with the cache of its own creator, as that builds",
			})
			reg := newRegistry(t, testregistry.Options{})
			builder := reg.tiny(t, func(o *samples.Options) {
				o.Lifecycle, o.PlatformAPIs, o.BuildpackAPIs = test.lifecycle, test.claimed, strings.Fields(test.buildpacks)
			})
			app := newApp(t, map[string]string{"count": "", "churn": interchangedChurn, "seed": "1"}, map[string]string{"src/a": "a"})
			machine := newMachine(t)
			ours, theirs := reg.ref("ours-cache"), reg.ref("stock-cache")
			for _, step := range []string{"cold", "warm", "with the cache of the other"} {
				app.set(map[string]string{"seed": step})
				if step == "with the cache of the other" {
					ours, theirs = theirs, ours
				}
				result, out := machine.build(reg.ref("ours"), "--builder", builder, "--path", app.dir, "--cache-image", ours, "--publish")
				if result.Builder.PlatformAPI != test.platformAPI {
					t.Errorf("pack-cache spoke Platform API %s", result.Builder.PlatformAPI)
				}
				out.wantNoStderr(t, "WARN")
				stock := reg.creator(t, builder, app, test.platformAPI, "-cache-image", theirs, reg.ref("stock"))
				said := slices.Concat(layerStates(out.stderr), aged(out.stderr))
				if diff := cmp.Diff(slices.Concat(layerStates(stock), aged(stock)), said); diff != "" {
					t.Errorf("what buildpacks find, %s (-stock +ours):\n%s", step, diff)
				}
				for _, api := range strings.Fields(test.buildpacks) {
					if want := "aged " + api + ": launch-cache: restored"; step != "cold" && !slices.Contains(said, want) {
						t.Errorf("%s: no %q in %q", step, want, said)
					}
				}
				reg.wantSameImages(t, reg.ref("stock"), reg.ref("ours"))
			}
		})
	}
}

// aged picks what the buildpacks of several Buildpack APIs say out of a log.
func aged(log string) []string {
	return regexp.MustCompile(`aged 0\.[0-9]+: .*`).FindAllString(log, -1)
}
