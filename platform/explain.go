package platform

import (
	"fmt"
	"strings"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// explain says what an exit code of detect or build means, and the way out (CNB
// Platform specification, "Exit Codes"). err wraps failed; way is a way out that the
// log has shown, "" if there is none.
func (b *build) explain(failed *lifecycle.ExitError, err error, way string) error {
	const untouched = "the previous app image and the cache are as they were"
	meaning := map[int]string{
		11: "the builder's lifecycle does not speak Platform API " + b.api + ", although the builder's labels say so",
		12: "the builder's lifecycle" + b.lifecycleVersion() + " does not speak a buildpack's API",
		20: "no group of buildpacks accepts this application",
		21: "no group of buildpacks accepts this application, and at least one buildpack failed in detect",
		51: "a buildpack failed",
	}
	wayOut := map[int]string{
		11: "make the builder anew with `pack builder create`, or take another version of it; ",
		12: "take a builder with a newer lifecycle, or a version of the buildpack that speaks " + b.buildpackAPIs() + "; ",
	}
	if way != "" {
		way += "\n"
	}
	way += "see the output above; " + wayOut[failed.Code] + untouched
	if what, ok := meaning[failed.Code]; ok {
		err = fmt.Errorf("%s: %w", what, err)
	}
	return hint.With(way, err)
}

// lifecycleVersion is " VERSION" of the builder's lifecycle, "" if it does not say.
func (b *build) lifecycleVersion() string {
	if b.builder.Lifecycle == "" {
		return ""
	}
	return " " + b.builder.Lifecycle
}

// buildpackAPIs are those of the builder's lifecycle, in words.
func (b *build) buildpackAPIs() string {
	all, err := b.builder.BuildpackAPIs()
	if err != nil || len(all) == 0 {
		return "an older Buildpack API"
	}
	return "Buildpack API " + strings.Join(all, ", ")
}
