package acceptance

import (
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// TestPhaseFails has buildpacks that do not want an application or fail with
// it. What an earlier build published and kept stays as it is.
func TestPhaseFails(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	args := func(app *app) []string {
		return []string{reg.ref("app"), "--builder", builder, "--path", app.dir, "--cache-image", reg.ref("cache"), "--publish"}
	}
	newMachine(t).build(args(newApp(t, nil, nil))...)

	const untouched = "HINT: see the output above; the previous app image and the cache are as they were"
	for _, test := range []struct {
		name     string
		settings map[string]string
		code     int
		says     []string
	}{
		{"no group detects", map[string]string{"detect-exit": "100"}, 20,
			[]string{"no group of buildpacks accepts this application", "samples/behave", untouched}},
		{"detect fails", map[string]string{"detect-exit": "3"}, 21,
			[]string{"at least one buildpack failed in detect", "detect: exiting with 3", untouched}},
		{"build fails", map[string]string{"build-exit": "7"}, 51,
			[]string{"a buildpack failed", "build: exiting with 7", untouched}},
		{"build fails after it has changed its cache", map[string]string{"build-exit": "1", "churn": "deps cache random"}, 51,
			[]string{"churn: deps: new", "a buildpack failed", untouched}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			app := newApp(t, test.settings, nil)
			refusal{args: args(app), code: test.code, says: test.says}.check(t, reg)
		})
	}
}
