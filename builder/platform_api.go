package builder

import (
	"fmt"
	"slices"
	"strings"

	"github.com/buildpacks/lifecycle/api"
)

// APIError says that a builder's lifecycle and pack-cache have no Platform API
// in common.
type APIError struct {
	Builder, Own []string
}

// Error implements error.
func (e *APIError) Error() string {
	theirs := "none"
	if len(e.Builder) > 0 {
		theirs = strings.Join(e.Builder, ", ")
	}
	return fmt.Sprintf("no common Platform API: the builder's lifecycle speaks %s, pack-cache speaks %s",
		theirs, strings.Join(e.Own, ", "))
}

// Hint tells the way out: which of the two is too old.
func (e *APIError) Hint() string {
	newest := api.Platform.Latest()
	if slices.ContainsFunc(e.Builder, func(raw string) bool {
		v, err := api.NewVersion(raw)
		return err == nil && v.Compare(newest) > 0
	}) {
		return "use a newer version of pack-cache, or an older one of the builder"
	}
	return "use a newer version of the builder, one with lifecycle 0.17 or later"
}

// PlatformAPI returns the highest Platform API version that the builder's
// lifecycle and pack-cache's own phases both speak, or an *APIError.
func (b *Builder) PlatformAPI() (string, error) {
	own := api.Platform.Supported
	var best *api.Version
	for _, raw := range b.PlatformAPIs {
		v, err := api.NewVersion(raw)
		if err != nil || !api.Platform.IsSupported(v) {
			continue
		}
		if best == nil || v.Compare(best) > 0 {
			best = v
		}
	}
	if best == nil {
		e := &APIError{Builder: b.PlatformAPIs}
		for _, v := range own {
			e.Own = append(e.Own, v.String())
		}
		return "", e
	}
	return best.String(), nil
}
